"""Taint-based eviction: pods leave a node whose NoExecute taints they do not, or no longer, tolerate.

Source: pkg/controller/tainteviction/taint_eviction.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apimachinery import conditions, scheme, taints
from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import NamespacedName, Object, is_terminating, key_of, uid_of
from apimachinery.times import format_time
from client.controller import Watch, by_name
from client.events import NORMAL
from client.rest import STRATEGIC
from controller_manager.context import ControllerContext
from controller_manager.metrics import TAINT_EVICTION_SECONDS, TAINT_EVICTIONS
from controller_manager.pods_by_node import PODS_BY_NODE, pods_by_node

_DISRUPTED = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}


def tolerated_for(node_taints: Sequence[Object], tolerations: Sequence[Object]) -> float | None:
    """For how many seconds the pod may stay with these taints: 0 not at all, None for ever."""
    effective = [taint for taint in node_taints if taint.get("effect") == taints.NO_EXECUTE]
    shortest: float | None = None
    for taint in effective:
        matching = [each for each in tolerations if taints.tolerates(each, taint)]
        if not matching:
            return 0.0
        limits = [each["tolerationSeconds"] for each in matching if each.get("tolerationSeconds") is not None]
        shortest = min([*limits, *(() if shortest is None else (shortest,))], default=None)
    return None if shortest is None else max(0.0, float(shortest))


@dataclass(frozen=True, slots=True)
class Eviction:
    """Due, unless the taints go or the pod does."""

    uid: str
    moment: datetime


class TaintEvictionController:
    """One key a pod; a node's change looks at all its pods.

    Time counts from when a pod was first seen to tolerate its node for a while only, as upstream's does:
    neither the taint nor later changes move it.
    """

    name = "taint-eviction-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._events = context.recorder("taint-eviction-controller")
        self._nodes = context.informers.informer(scheme.NODES)
        self._pods = context.informers.informer(scheme.PODS)
        self._planned: dict[NamespacedName, Eviction] = {}
        context.informers.index(scheme.PODS, PODS_BY_NODE, pods_by_node)

    def watches(self) -> list[Watch]:
        return [Watch(self._pods, by_name), Watch(self._nodes, self._pods_of)]

    def _pods_of(self, node: Object) -> Iterable[NamespacedName]:
        return [key_of(pod) for pod in self._pods.by_index(PODS_BY_NODE, node["metadata"]["name"])]

    async def reconcile(self, key: NamespacedName) -> float | None:
        pod = self._pods.get(key)
        if pod is None or is_terminating(pod):
            self._planned.pop(key, None)
            return None
        seconds = self._tolerated_for(pod)
        if seconds is None:
            self._cancel(pod)
            return None
        now = self._now()
        due = self._due(pod, seconds, now) if seconds else now
        if due > now:
            return (due - now).total_seconds()
        await self._evict(pod, due)
        return None

    def _tolerated_for(self, pod: Object) -> float | None:
        node = self._nodes.get(NamespacedName("", pod["spec"].get("nodeName") or ""))
        if node is None:
            return None
        return tolerated_for(node["spec"].get("taints") or (), pod["spec"].get("tolerations") or ())

    def _due(self, pod: Object, seconds: float, now: datetime) -> datetime:
        key, uid = key_of(pod), uid_of(pod)
        planned = self._planned.get(key)
        if planned is None or planned.uid != uid:
            planned = self._planned[key] = Eviction(uid, now + timedelta(seconds=seconds))
        return planned.moment

    def _cancel(self, pod: Object) -> None:
        key = key_of(pod)
        planned = self._planned.pop(key, None)
        if planned is not None and planned.uid == uid_of(pod):
            self._events.event(pod, NORMAL, "TaintManagerEviction", f"Cancelling deletion of Pod {key}")

    async def _evict(self, pod: Object, due: datetime) -> None:
        key = key_of(pod)
        self._events.event(pod, NORMAL, "TaintManagerEviction", f"Marking for deletion Pod {key}")
        known = conditions.condition_of(pod, _DISRUPTED["type"])
        listed = [dict(known)] if known else []
        conditions.set_condition(listed, _DISRUPTED, format_time(self._now()))
        patch = {"metadata": {"uid": uid_of(pod)}, "status": {"conditions": listed}}
        options = {"preconditions": {"uid": uid_of(pod)}}
        try:
            await self._client.patch(
                scheme.PODS, key.name, patch, key.namespace, patch_type=STRATEGIC, subresource="status"
            )
            await self._client.delete(scheme.PODS, key.name, key.namespace, options=options)
        except (NotFoundError, ConflictError):
            return  # gone, or another pod of that name by now
        TAINT_EVICTIONS.inc()
        TAINT_EVICTION_SECONDS.observe((self._now() - due).total_seconds())
