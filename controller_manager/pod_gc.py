"""Pod garbage collection: ended pods beyond a threshold, pods of nodes that are gone, pods never scheduled.

Source: pkg/controller/podgc/gc_controller.go. The only controller that looks at all pods at a time: every
20 s, as upstream, since it waits for nodes to stay away (quarantine of 40 s).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery import conditions, scheme
from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import NamespacedName, Object, is_terminating, key_of, uid_of
from apimachinery.pods import is_terminal
from apimachinery.times import format_time
from client.controller import Watch
from controller_manager.context import ControllerContext

CHECK_PERIOD = 20.0
QUARANTINE = 40.0
EVERYTHING = NamespacedName("", "all")


@dataclass(frozen=True, slots=True)
class Collect:
    """A pod to delete at once; with a reason it is first marked Failed (DisruptionTarget)."""

    pod: Object
    orphaned: bool


def plan(
    pods: Sequence[Object], nodes: Mapping[str, object], lost: set[str], threshold: int
) -> list[Collect]:
    """The oldest ended pods over the threshold, pods on lost nodes, and unscheduled ones being deleted."""
    ended = sorted(
        (pod for pod in pods if is_terminal(pod) and not is_terminating(pod)),
        key=lambda pod: (pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]),
    )
    surplus = len(ended) - threshold if threshold > 0 else 0
    chosen = [Collect(pod, orphaned=False) for pod in ended[: max(0, surplus)]]
    chosen += [Collect(pod, orphaned=True) for pod in pods if pod["spec"].get("nodeName") in lost]
    chosen += [
        Collect(pod, orphaned=False)
        for pod in pods
        if is_terminating(pod) and not pod["spec"].get("nodeName")
    ]
    return chosen


class PodGCController:
    """Deletes what no kubelet will."""

    name = "pod-garbage-collector-controller"
    workers = 1

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._threshold = context.options.terminated_pod_gc_threshold
        self._pods = context.informers.informer(scheme.PODS)
        self._nodes = context.informers.informer(scheme.NODES)
        self._missing_since: dict[str, datetime] = {}

    def watches(self) -> list[Watch]:
        return [Watch(self._nodes, lambda node: [EVERYTHING]), Watch(self._pods, self._looks_collectable)]

    def _looks_collectable(self, pod: Object) -> list[NamespacedName]:
        unscheduled = is_terminating(pod) and not pod["spec"].get("nodeName")
        return [EVERYTHING] if unscheduled or is_terminal(pod) else []

    async def reconcile(self, key: NamespacedName) -> float | None:
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
        try:
            if collect.orphaned and not is_terminal(collect.pod):
                await self._mark_failed(collect.pod)
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": uid_of(collect.pod)}}
            await self._client.delete(scheme.PODS, key.name, key.namespace, options=options)
        except (NotFoundError, ConflictError):
            return

    async def _mark_failed(self, pod: Object) -> None:
        status = {**pod.get("status", {}), "phase": "Failed"}
        listed = [dict(each) for each in status.get("conditions") or []]
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByPodGC",
            "message": "PodGC: node no longer exists",
        }
        conditions.set_condition(listed, condition, format_time(self._now()))
        await self._client.update_status(scheme.PODS, {**pod, "status": {**status, "conditions": listed}})
