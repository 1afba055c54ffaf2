"""The StatefulSet controller: pods with names, one after the other, each with claims of its own.

Decisions are in `plan`, `status` and `retention`; here are the reads, the writes and their order.
Source: pkg/controller/statefulset/{stateful_set,stateful_set_control}.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    name_of,
    namespace_of,
)
from client.controller import Watch, by_name
from client.errors import ConnectionFailed
from client.own_writes import UNSETTLED
from controller_manager.context import ControllerContext
from controller_manager.history import RevisionHistory
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    owners_of,
    plan_claims,
    selector_of,
)
from controller_manager.pod_control import BatchFailed, in_growing_batches
from controller_manager.replica_status import next_look
from controller_manager.stateful_set.identity import parent_of, revision_of
from controller_manager.stateful_set.plan import Plan, plan_pods, sort_pods
from controller_manager.stateful_set.pods import ClaimUnavailable, StatefulPods
from controller_manager.stateful_set.status import calculate_status
from controller_manager.status_writer import differs, write_status

_HASH_LABEL = "controller.kubernetes.io/hash"


class StatefulSetController:
    """Drives the pods of every StatefulSet towards its ordinals and its newest revision."""

    name: ClassVar[str] = "statefulset-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._sets = context.informers.informer(scheme.STATEFUL_SETS)
        self._pods = context.informers.informer(scheme.PODS)
        self._claims = context.informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        context.informers.index(scheme.PODS, CONTROLLER_INDEX, by_controller)
        self._claimer = Claimer(context.client, scheme.STATEFUL_SETS, scheme.PODS)
        self._history = RevisionHistory(context, scheme.STATEFUL_SETS, _HASH_LABEL)
        self._effects = StatefulPods(context.client, context.informers, context.recorder(self.name))

    def watches(self) -> list[Watch]:
        return [
            Watch(self._sets, by_name),
            Watch(self._pods, self._owners_of),
            Watch(self._claims, self._waiting_for, _is_gone),
            Watch(self._history.informer, self._owners_of, _is_gone),
        ]

    def _owners_of(self, obj: Object) -> Iterable[NamespacedName]:
        """The StatefulSet of a pod or revision, or all that might adopt it."""
        return owners_of(obj, "StatefulSet", self._sets)

    def _waiting_for(self, claim: Object) -> Iterable[NamespacedName]:
        """The StatefulSet whose pod waits until the claim of its name is gone: `data-web-0` is of `web`."""
        sets = self._sets.list(namespace_of(claim))
        return [key_of(each) for each in sets if f"-{name_of(each)}-" in name_of(claim)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        owner = self._sets.get(key)
        if owner is None:
            self._effects.writes.forget(key)
            return None
        if not self._effects.writes.are_seen(key):
            return UNSETTLED
        pods = await self._claim_pods(owner)
        known = await self._history.claim(owner)
        update, collisions = await self._history.current(owner, known)
        current = next((each for each in known if name_of(each) == _current_revision(owner)), update)
        sorted_pods = sort_pods(owner, pods, current, update)
        plan = plan_pods(owner, sorted_pods, update, self._now()) if not is_terminating(owner) else Plan()
        failure = await self._carry_out(owner, plan)
        status = calculate_status(
            owner, pods, (current, update), collisions, self._now(), updating=len(plan.update)
        )
        await self._write_status(owner, status)
        await self._truncate(owner, known, {name_of(current), name_of(update), *map(revision_of, pods)})
        if failure is not None:
            raise failure
        return next_look(owner, pods, self._now())

    async def _claim_pods(self, owner: Object) -> list[Object]:
        selector = selector_of(owner)

        def is_member(pod: Object) -> bool:
            return selector.matches(labels_of(pod)) and parent_of(pod) == name_of(owner)

        return await self._claimer.claim(owner, plan_claims(owner, is_member, candidates(self._pods, owner)))

    async def _carry_out(self, owner: Object, plan: Plan) -> Exception | None:
        """Acts; what went wrong is returned, because the status is to be written all the same."""
        effects = self._effects
        try:
            for pod in plan.mend:
                await effects.mend(owner, pod)
            await in_growing_batches(plan.create, lambda pod: effects.create(owner, pod))
            for pod in plan.hand_over:
                await effects.hand_over_claims(owner, pod)
            async with asyncio.TaskGroup() as group:
                for pod in (*plan.delete, *plan.update):
                    group.create_task(effects.delete(owner, pod))
        except BatchFailed as failed:
            return failed.first
        except (StatusError, ConnectionFailed, ClaimUnavailable) as error:
            return error
        except ExceptionGroup as errors:
            return errors
        return None

    async def _write_status(self, owner: Object, status: Object) -> None:
        if differs(status, _without_conditions(owner.get("status") or {})):
            await write_status(self._client, scheme.STATEFUL_SETS, owner, status)

    async def _truncate(self, owner: Object, revisions: Sequence[Object], live: set[str]) -> None:
        """Deletes revisions beyond the limit that nothing is made from any more, the oldest first."""
        unused = [each for each in revisions if name_of(each) not in live]
        limit = get_path(owner, "spec.revisionHistoryLimit", 10)
        await self._history.delete(unused[: max(len(unused) - limit, 0)])


def _without_conditions(status: Object) -> Object:
    """Conditions are other people's: no reason to write, but what is written has none, as upstream."""
    return {name: value for name, value in status.items() if name != "conditions"}


def _current_revision(stateful_set: Object) -> str:
    return str(get_path(stateful_set, "status.currentRevision", ""))


def _is_gone(old: Object | None, new: Object | None) -> bool:
    return new is None
