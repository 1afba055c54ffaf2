"""Pod garbage collection: ended pods beyond a threshold, and those that no kubelet ends.

Those are pods of nodes that are gone, deleted ones on nodes that are out of service, and deleted ones that
were never scheduled. Source: pkg/controller/podgc/gc_controller.go. It looks at all pods at a time: every
20 s, as upstream, since it waits for nodes to stay away (quarantine of 40 s).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery import conditions, scheme, taints
from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.objects import NamespacedName, Object, is_terminating, key_of, uid_of
from apimachinery.pods import is_terminal
from apimachinery.times import format_time
from client.controller import Watch
from controller_manager.context import ControllerContext
from controller_manager.metrics import FORCED_DELETION_ERRORS, FORCED_DELETIONS

CHECK_PERIOD = 20.0
QUARANTINE = 40.0
EVERYTHING = NamespacedName("", "all")
TERMINATED, ORPHANED, UNSCHEDULED, OUT_OF_SERVICE = "terminated", "orphaned", "unscheduled", "out-of-service"
_ORPHANED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByPodGC",
    "message": "PodGC: node no longer exists",
}


@dataclass(frozen=True, slots=True)
class Collect:
    """A pod to delete at once, Failed if it has not ended; one whose node is gone says so in a condition."""

    pod: Object
    reason: str

    @property
    def is_orphaned(self) -> bool:
        return self.reason == ORPHANED


def plan(
    pods: Sequence[Object], nodes: Mapping[str, Object], lost: set[str], threshold: int
) -> list[Collect]:
    """What to collect; `lost` names nodes that are gone for good. A threshold of 0 keeps all ended pods."""
    ended = sorted((pod for pod in pods if is_terminal(pod)), key=_first_to_go)
    surplus = len(ended) - threshold if threshold > 0 else 0
    chosen = [Collect(pod, TERMINATED) for pod in ended[: max(0, surplus)]]
    for pod in pods:
        node = pod["spec"].get("nodeName")
        if node in lost:
            chosen.append(Collect(pod, ORPHANED))
        elif is_terminating(pod) and not node:
            chosen.append(Collect(pod, UNSCHEDULED))
        elif is_terminating(pod) and is_out_of_service(nodes.get(node)):
            chosen.append(Collect(pod, OUT_OF_SERVICE))
    return chosen


def _first_to_go(pod: Object) -> tuple[bool, str, str]:
    """Evicted pods before others, then by age."""
    is_evicted = is_terminal(pod) and pod["status"].get("reason") == "Evicted"
    return not is_evicted, pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]


def is_out_of_service(node: Object | None) -> bool:
    """Whether an administrator says that a silent node is off, so that what ran there runs no more."""
    if node is None or conditions.is_condition_true(node, "Ready"):
        return False
    return any(taint["key"] == taints.NODE_OUT_OF_SERVICE for taint in node["spec"].get("taints") or ())


class PodGCController:
    """Deletes what no kubelet will."""

    name = "pod-garbage-collector-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._threshold = context.options.terminated_pod_gc_threshold
        self._pods = context.informers.informer(scheme.PODS)
        self._nodes = context.informers.informer(scheme.NODES)
        self._missing_since: dict[str, datetime] = {}
        self._has_begun = False

    def watches(self) -> list[Watch]:
        """Only what can be collected at once; everything else is found by the next look."""
        everything = Watch(self._nodes, lambda node: [EVERYTHING], changed=_comes_or_goes)
        return [everything, Watch(self._pods, self._looks_collectable)]

    def _looks_collectable(self, pod: Object) -> list[NamespacedName]:
        is_unscheduled = is_terminating(pod) and not pod["spec"].get("nodeName")
        return [EVERYTHING] if is_unscheduled or not self._has_begun else []

    async def reconcile(self, key: NamespacedName) -> float | None:
        self._has_begun = True
        pods = self._pods.list()
        nodes = {node["metadata"]["name"]: node for node in self._nodes.list()}
        lost = await self._lost_nodes(pods, nodes)
        for collect in plan(pods, nodes, lost, self._threshold):
            await self._collect(collect)
        return CHECK_PERIOD

    async def _lost_nodes(self, pods: Sequence[Object], nodes: Mapping[str, object]) -> set[str]:
        """Nodes that pods name, that have been missing for the quarantine, and that the API confirms gone."""
        named = {pod["spec"]["nodeName"] for pod in pods if pod["spec"].get("nodeName")}
        missing = named - nodes.keys()
        now = self._now()
        self._missing_since = {name: self._missing_since.get(name, now) for name in missing}
        overdue = [
            n for n, since in self._missing_since.items() if (now - since).total_seconds() >= QUARANTINE
        ]
        answers = await asyncio.gather(*(self._exists(name) for name in overdue))
        return {name for name, exists in zip(overdue, answers, strict=True) if not exists}

    async def _exists(self, node: str) -> bool:
        try:
            await self._client.get(scheme.NODES, node)
        except NotFoundError:
            return False
        return True

    async def _collect(self, collect: Collect) -> None:
        key = key_of(collect.pod)
        labels = key.namespace, collect.reason
        FORCED_DELETIONS.labels(*labels).inc()
        try:
            if not is_terminal(collect.pod):
                await self._mark_failed(collect)
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid_of(collect.pod)}}
            await self._client.delete(scheme.PODS, key.name, key.namespace, options=options)
        except (NotFoundError, ConflictError):
            return
        except StatusError:
            FORCED_DELETION_ERRORS.labels(*labels).inc()
            raise

    async def _mark_failed(self, collect: Collect) -> None:
        """So that whoever counts it knows how it ended: there is no kubelet to say so."""
        pod = collect.pod
        status = {**pod.get("status", {}), "phase": "Failed"}
        if collect.is_orphaned:
            listed = [dict(each) for each in status.get("conditions") or []]
            conditions.set_condition(listed, _ORPHANED, format_time(self._now()))
            status["conditions"] = listed
        await self._client.update_status(scheme.PODS, {**pod, "status": status})


def _comes_or_goes(old: Object | None, new: Object | None) -> bool:
    return old is None or new is None or is_out_of_service(old) != is_out_of_service(new)
