"""ValidatingAdmissionWebhook: asks all webhooks that a write concerns at once; each may refuse it.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/validating/dispatcher.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apimachinery.errors import StatusError
from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.matching import is_exempt
from apiserver.admission.webhooks.dispatch import Dispatcher, Invocation
from apiserver.admission.webhooks.hooks import Hooks
from apiserver.waiting import waiting

_FAILED_OPEN = "failed-open.validating.webhook.admission.k8s.io/round_0_index_"


class ValidatingAdmissionWebhook:
    name = "ValidatingAdmissionWebhook"

    def __init__(self, hooks: Hooks, dispatcher: Dispatcher) -> None:
        self._hooks = hooks
        self._dispatcher = dispatcher

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return not is_exempt(resource)

    async def validate(self, attributes: Attributes) -> None:
        hooks = self._hooks.now()
        if not hooks:
            return
        found = [
            await self._dispatcher.invocation(index, hook, attributes, may_change=False)
            for index, hook in enumerate(hooks)
        ]
        concerned = [each for each in found if each is not None]
        with waiting():
            refusals = await self._ask_all(concerned, attributes)
        if refusals:
            raise refusals[0]

    async def _ask_all(self, invocations: Sequence[Invocation], attributes: Attributes) -> list[StatusError]:
        async def ask(position: int, invocation: Invocation) -> StatusError | None:
            try:
                verdict = await self._dispatcher.ask(invocation, attributes, may_change=False)
            except StatusError as refusal:
                return refusal
            if verdict is None:
                attributes.annotate(f"{_FAILED_OPEN}{position}", invocation.hook.name)
            return None

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(*each)) for each in enumerate(invocations)]
        return [refusal for task in tasks if (refusal := task.result()) is not None]
