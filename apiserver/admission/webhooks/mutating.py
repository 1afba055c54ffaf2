"""MutatingAdmissionWebhook: lets webhooks change what is written, one after the other.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating of Kubernetes 1.34.
"""

from __future__ import annotations

import orjson

from apimachinery.errors import InternalError
from apimachinery.patch import PatchError, json_patch
from apimachinery.scheme import Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.matching import is_exempt
from apiserver.admission.webhooks.dispatch import Dispatcher, Invocation
from apiserver.admission.webhooks.hooks import Hook, Hooks
from apiserver.admission.webhooks.review import Verdict
from apiserver.waiting import waiting

_MUTATION = "mutation.webhook.admission.k8s.io/round_{}_index_{}"
_FAILED_OPEN = f"failed-open.{_MUTATION}"


class MutatingAdmissionWebhook:
    name = "MutatingAdmissionWebhook"

    def __init__(self, hooks: Hooks, dispatcher: Dispatcher) -> None:
        self._hooks = hooks
        self._dispatcher = dispatcher

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return not is_exempt(resource)

    async def admit(self, attributes: Attributes) -> None:
        hooks, again = self._hooks.now(), attributes.reinvocation
        if not hooks:
            return
        if again.is_under_way and _state(attributes) != again.left:
            _call_again(attributes)  # plugins of the server have changed something since
        for index, hook in enumerate(hooks):
            if again.is_under_way and hook.uid not in again.due:
                continue
            invocation = await self._dispatcher.invocation(index, hook, attributes, may_change=True)
            if invocation is not None:
                await self._call(invocation, attributes)
        if again.is_wanted:
            again.left = _state(attributes)

    async def _call(self, invocation: Invocation, attributes: Attributes) -> None:
        hook, again = invocation.hook, attributes.reinvocation
        place = (int(again.is_under_way), invocation.index)
        has_changed = False
        with waiting():
            verdict = await self._dispatcher.ask(invocation, attributes, may_change=True)
        if verdict is None:
            attributes.annotate(_FAILED_OPEN.format(*place), hook.name)
        elif verdict.patch:
            has_changed = await _change(invocation, attributes, verdict)
        attributes.annotate(_MUTATION.format(*place), _note(hook, has_changed))
        if has_changed:
            _call_again(attributes)
            again.is_wanted = True
        if hook.wants_changes:
            again.called.add(hook.uid)


def _call_again(attributes: Attributes) -> None:
    """Those who have been called and want to see what others change."""
    again = attributes.reinvocation
    again.due |= again.called
    again.called = set()


def _state(attributes: Attributes) -> bytes:
    return orjson.dumps(attributes.object, option=orjson.OPT_SORT_KEYS)


async def _change(invocation: Invocation, attributes: Attributes, verdict: Verdict) -> bool:
    """Applies the patch to the object as the hook saw it. Raises InternalError."""
    current = attributes.object
    if current is None:
        text = f'admission webhook "{invocation.hook.name}" attempted to modify the object'
        raise InternalError(f"{text}, which is not supported for this operation")
    before = _state(attributes)
    shown = await attributes.forms.shown(current, invocation.seen)
    try:
        patched = json_patch(shown, verdict.patch)
    except PatchError as error:
        raise InternalError(error) from None
    if not isinstance(patched, dict):
        raise InternalError(f'admission webhook "{invocation.hook.name}" made something else of the object')
    patched |= {field: shown[field] for field in ("apiVersion", "kind") if field in shown}
    attributes.replace_object(await attributes.forms.taken(current, patched, invocation.seen))
    return _state(attributes) != before


def _note(hook: Hook, has_changed: bool) -> str:
    told = {"configuration": hook.configuration, "webhook": hook.name, "mutated": has_changed}
    return orjson.dumps(told).decode()
