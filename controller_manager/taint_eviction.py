"""Taint-based eviction: pods leave a node whose NoExecute taints they do not, or no longer, tolerate.

Source: pkg/controller/tainteviction/taint_eviction.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from apimachinery import conditions, scheme, taints
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, is_terminating, key_of, uid_of
from apimachinery.times import format_time, parse_time
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.node_lifecycle import pods_by_node


def evict_at(node_taints: Sequence[Object], tolerations: Sequence[Object], now: datetime) -> datetime | None:
    """When the pod has to go: at once, after the shortest tolerationSeconds, or never (None)."""
    effective = [taint for taint in node_taints if taint.get("effect") == taints.NO_EXECUTE]
    moments: list[datetime] = []
    for taint in effective:
        matching = [each for each in tolerations if taints.tolerates(each, taint)]
        if not matching:
            return now
        limits = [each["tolerationSeconds"] for each in matching if each.get("tolerationSeconds") is not None]
        if limits:
            added = parse_time(taint["timeAdded"]) if taint.get("timeAdded") else now
            moments.append(added + timedelta(seconds=max(0, min(limits))))
    return min(moments, default=None)


class TaintEvictionController:
    """One key a pod; a node's change looks at all its pods."""

    name = "taint-eviction-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._now = context.now
        self._events = context.recorder("taint-eviction-controller")
        self._nodes = context.informers.informer(scheme.NODES)
        self._pods = context.informers.informer(scheme.PODS)
        context.informers.index(scheme.PODS, "node", pods_by_node)

    def watches(self) -> list[Watch]:
        return [Watch(self._pods, by_name), Watch(self._nodes, self._pods_of)]

    def _pods_of(self, node: Object) -> Iterable[NamespacedName]:
        return [key_of(pod) for pod in self._pods.by_index("node", node["metadata"]["name"])]

    async def reconcile(self, key: NamespacedName) -> float | None:
        pod = self._pods.get(key)
        if pod is None or is_terminating(pod) or not pod["spec"].get("nodeName"):
            return None
        node = self._nodes.get(NamespacedName("", pod["spec"]["nodeName"]))
        if node is None:
            return None
        now = self._now()
        moment = evict_at(node["spec"].get("taints") or [], pod["spec"].get("tolerations") or [], now)
        if moment is None:
            return None
        if moment > now:
            return (moment - now).total_seconds()
        await self._evict(pod, now)
        return None

    async def _evict(self, pod: Object, now: datetime) -> None:
        key = key_of(pod)
        self._events.event(pod, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {key}")
        listed = [dict(each) for each in pod.get("status", {}).get("conditions") or []]
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        }
        conditions.set_condition(listed, condition, format_time(now))
        try:
            status = {"status": {"conditions": listed}}
            await self._client.patch(scheme.PODS, key.name, status, key.namespace, subresource="status")
            options = {"preconditions": {"uid": uid_of(pod)}}
            await self._client.delete(scheme.PODS, key.name, key.namespace, options=options)
        except NotFoundError:
            return
