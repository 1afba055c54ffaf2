"""The DaemonSet controller: one pod on each node that the template fits.

Decisions are in `placement`, `plan` and `status`; here are the reads, the writes and their order.
Source: pkg/controller/daemon/daemon_controller.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import ClassVar

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    is_terminating,
    key_of,
    labels_of,
    name_of,
    uid_of,
)
from client.controller import Watch, by_name
from client.errors import is_namespace_terminating
from client.events import NORMAL, WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.daemon_set.failures import Failures
from controller_manager.daemon_set.placement import new_pod, node_of, place
from controller_manager.daemon_set.plan import Daemons, Plan, by_node, plan_pods, plan_update
from controller_manager.daemon_set.status import calculate_status
from controller_manager.history import REVISION_LABEL, RevisionHistory
from controller_manager.ownership import (
    CONTROLLER_INDEX,
    Claimer,
    by_controller,
    candidates,
    matches_labels,
    owners_of,
    plan_claims,
    selector_of,
)
from controller_manager.pod_control import BatchFailed, PodControl, in_growing_batches
from controller_manager.replica_status import next_look
from controller_manager.status_writer import write_status

_SELECTING_ALL = "This daemon set is selecting all pods. A non-empty selector is required."


class DaemonSetController:
    """Keeps a pod of every DaemonSet on every node that is its."""

    name: ClassVar[str] = "daemonset-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._sets = context.informers.informer(scheme.DAEMON_SETS)
        self._pods = context.informers.informer(scheme.PODS)
        self._nodes = context.informers.informer(scheme.NODES)
        context.informers.index(scheme.PODS, CONTROLLER_INDEX, by_controller)
        self._recorder = context.recorder(self.name)
        self._pod_control = PodControl(context.client, self._recorder)
        self._claimer = Claimer(context.client, scheme.DAEMON_SETS, scheme.PODS)
        self._history = RevisionHistory(context, scheme.DAEMON_SETS, REVISION_LABEL)
        self._writes = OwnWrites(self._pods)
        self._failures = Failures()

    def watches(self) -> list[Watch]:
        return [
            Watch(self._sets, by_name),
            Watch(self._pods, self._owners_of),
            Watch(self._nodes, self._all, _is_news),
            Watch(self._history.informer, self._owners_of, lambda old, new: new is None),
        ]

    def _owners_of(self, obj: Object) -> Iterable[NamespacedName]:
        """The DaemonSet of a pod or revision, or all that might adopt it."""
        return owners_of(obj, "DaemonSet", self._sets)

    def _all(self, node: Object) -> Iterable[NamespacedName]:
        return map(key_of, self._sets.list())

    async def reconcile(self, key: NamespacedName) -> float | None:
        owner = self._sets.get(key)
        if owner is None:
            self._writes.forget(key)
            return None
        if selector_of(owner).is_empty:
            self._recorder.event(owner, WARNING, "SelectingAll", _SELECTING_ALL)
            return None
        if is_terminating(owner):
            return None  # its history may be gone before its pods: nothing could be said of them
        revisions = await self._history.claim(owner)
        current, collisions = await self._history.current(owner, revisions)
        hash = labels_of(current)[REVISION_LABEL]
        pods = await self._claim_pods(owner)
        nodes = {name_of(node): node for node in self._nodes.list()}
        it = Daemons(owner, place(owner, nodes.values()), by_node(pods), hash, self._now())
        is_settled = self._writes.are_seen(key)
        plan = self._plan(it, nodes) if is_settled else Plan()
        failure = await self._carry_out(it, plan)
        await write_status(self._client, scheme.DAEMON_SETS, owner, calculate_status(it, collisions))
        if failure is not None:
            raise failure
        if not is_settled:
            return UNSETTLED
        old = [each for each in revisions if name_of(each) != name_of(current)]
        await self._truncate(owner, old, {labels_of(pod).get(REVISION_LABEL, "") for pod in pods})
        waits = [seconds for seconds in (plan.wait, next_look(owner, pods, it.now)) if seconds is not None]
        return min(waits, default=None)

    async def _claim_pods(self, owner: Object) -> list[Object]:
        claims = plan_claims(owner, matches_labels(selector_of(owner).matches), candidates(self._pods, owner))
        return await self._claimer.claim(owner, claims)

    def _plan(self, it: Daemons, nodes: Iterable[str]) -> Plan:
        """An update goes on only where nothing is amiss."""
        plan = plan_pods(
            it, set(nodes), lambda node: self._failures.remaining(_failure_key(it.owner, node), it.now)
        )
        if not plan.is_empty or not it.is_rolling():
            return plan
        update = plan_update(it)
        update.wait = plan.wait
        return update

    async def _carry_out(self, it: Daemons, plan: Plan) -> Exception | None:
        """Acts; what went wrong is returned, because the status is to be written all the same."""
        self._tell_ended(it, plan)
        try:
            await in_growing_batches(plan.create, lambda node: self._create(it, node))
        except BatchFailed as failed:
            if not is_namespace_terminating(failed.first):
                return failed.first
        ended = [*plan.delete, *plan.failed, *plan.succeeded]
        results = await asyncio.gather(
            *(self._delete(it.owner, pod) for pod in ended), return_exceptions=True
        )
        return next((each for each in results if isinstance(each, Exception)), None)

    def _tell_ended(self, it: Daemons, plan: Plan) -> None:
        for pod in plan.failed:
            self._failures.note(_failure_key(it.owner, node_of(pod)), it.now)
            text = f"Found failed daemon pod {key_of(pod)} on node {node_of(pod)}, will try to kill it"
            self._recorder.event(it.owner, WARNING, "FailedDaemonPod", text)
        for pod in plan.succeeded:
            text = f"Found succeeded daemon pod {key_of(pod)} on node {node_of(pod)}, will try to delete it"
            self._recorder.event(it.owner, NORMAL, "SucceededDaemonPod", text)

    async def _create(self, it: Daemons, node: str) -> None:
        created = await self._pod_control.create(it.owner, new_pod(it.owner, node, it.hash))
        self._writes.note(key_of(it.owner), created)

    async def _delete(self, owner: Object, pod: Object) -> None:
        with suppress(NotFoundError):
            self._writes.note(key_of(owner), await self._pod_control.delete(owner, pod))

    async def _truncate(self, owner: Object, old: Sequence[Object], live: set[str]) -> None:
        """Deletes old revisions beyond the limit, but none that a pod is of."""
        surplus = len(old) - get_path(owner, "spec.revisionHistoryLimit", 10)
        unused = [each for each in old if labels_of(each).get(REVISION_LABEL) not in live]
        await self._history.delete(unused[: max(surplus, 0)])


def _failure_key(daemon_set: Object, node: str) -> tuple[str, int, str]:
    """A new template starts anew."""
    return uid_of(daemon_set), get_path(daemon_set, "status.observedGeneration", 0), node


def _is_news(old: Object | None, new: Object | None) -> bool:
    """Whether a node may have become another one to daemons."""
    if old is None or new is None:
        return True
    return labels_of(old) != labels_of(new) or get_path(old, "spec.taints", []) != get_path(
        new, "spec.taints", []
    )
