"""Node life cycle: a node whose lease and status grow old becomes Unknown; conditions become taints.

What conditions and taints become is decided in `node_lifecycle_plan`. When a heartbeat was seen counts by our
own clock that never jumps, so that a node's clock does not matter, nor does setting ours.
Source: pkg/controller/nodelifecycle/node_lifecycle_controller.go.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from math import inf

from apimachinery import conditions, scheme
from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    key_of,
    name_of,
    namespace_of,
    resource_version_of,
)
from apimachinery.times import format_time
from client.controller import Watch, by_name
from client.events import NORMAL, WARNING
from client.rest import STRATEGIC
from controller_manager.context import ControllerContext
from controller_manager.metrics import NODE_EVICTIONS
from controller_manager.node_lifecycle_plan import (
    is_evicting,
    plan_taints,
    unknown_conditions,
    wanted_taints,
    without_eviction,
)
from controller_manager.pods_by_node import PODS_BY_NODE, pods_by_node
from controller_manager.zones import Rates, Zones, zone_of

LEASE_NAMESPACE = "kube-node-lease"


@dataclass(slots=True)
class Heartbeat:
    """When we saw the last sign of life, by the loop's clock, and what the node last reported itself."""

    reported: str
    seen: float


class NodeLifecycleController:
    """Watches over the heartbeats of every node."""

    name = "node-lifecycle-controller"

    def __init__(self, context: ControllerContext) -> None:
        options = context.options
        self._client = context.client
        self._now = context.now
        self._events = context.recorder("node-controller")
        self._period = options.node_monitor_period
        self._grace = options.node_monitor_grace_period
        self._startup_grace = options.node_startup_grace_period
        self._nodes = context.informers.informer(scheme.NODES)
        self._leases = context.informers.informer(scheme.LEASES)
        self._pods = context.informers.informer(scheme.PODS)
        context.informers.index(scheme.PODS, PODS_BY_NODE, pods_by_node)
        self._heartbeats: dict[str, Heartbeat] = {}
        self._zones = Zones(
            Rates(
                options.node_eviction_rate,
                options.secondary_node_eviction_rate,
                options.large_cluster_size_threshold,
                options.unhealthy_zone_threshold,
            )
        )
        self._leases.add_handler(self._renewed)

    def watches(self) -> list[Watch]:
        """Leases are not among them: a renewal needs no work, only its absence does."""
        return [Watch(self._nodes, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        node = self._nodes.get(key)
        if node is None:
            self._removed(key.name)
            return None
        now = self._now()
        if not self._heartbeats:
            self._look_around()
        if key.name not in self._heartbeats:
            self._tell(node, "RegisteredNode", f"event: Registered Node {key.name} in Controller")
        silent = self._silence(node)
        ready = conditions.condition_of(node, "Ready")
        grace = self._grace if ready else self._startup_grace
        if silent > grace and (ready is None or ready.get("status") != "Unknown"):
            node = await self._mark_unknown(node, now)
        self._observe(node)
        wait = await self._taint(node, now)
        if conditions.is_condition_true(node, "Ready"):
            return min(wait, max(self._period, grace - silent))  # sooner it can't have been silent too long
        await self._mark_pods_not_ready(node, now)
        return min(wait, self._period)

    def _look_around(self) -> None:
        """Who takes over knows no zone yet: the first node would seem to be the only one."""
        for each in self._nodes.list():
            self._zones.observe(each)

    def _observe(self, node: Object) -> None:
        """If it is the first that we see again after all were silent, the others are given time as well."""
        was_blind = self._zones.is_all_silent
        self._zones.observe(node)
        if was_blind and not self._zones.is_all_silent:
            for heartbeat in self._heartbeats.values():
                heartbeat.seen = _moment()

    def _removed(self, name: str) -> None:
        if self._heartbeats.pop(name, None) is not None:
            self._zones.forget(name)
            gone = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": name}}
            self._tell(gone, "RemovingNode", f"event: Removing Node {name} from Controller")

    def _tell(self, node: Object, reason: str, message: str) -> None:
        self._events.event(node, NORMAL, reason, f"Node {name_of(node)} {message}")

    def _renewed(self, old: Object | None, new: Object | None) -> None:
        if new is None or namespace_of(new) != LEASE_NAMESPACE or _renewal(old) == _renewal(new):
            return
        if heartbeat := self._heartbeats.get(name_of(new)):
            heartbeat.seen = _moment()

    def _silence(self, node: Object) -> float:
        """Seconds since lease or status last changed, as we saw it."""
        reported, name = _reported(node), name_of(node)
        known = self._heartbeats.get(name)
        if known is None or known.reported != reported:
            self._heartbeats[name] = known = Heartbeat(reported, _moment())
        return _moment() - known.seen

    async def _mark_unknown(self, node: Object, now: datetime) -> Object:
        """Raises ConflictError where the node may have been heard of since."""
        name = node["metadata"]["name"]
        patch = {
            "metadata": {"resourceVersion": resource_version_of(node)},
            "status": {"conditions": unknown_conditions(node, format_time(now))},
        }
        # What this write saw of the node's own condition is no sign of life.
        updated = await self._client.patch(scheme.NODES, name, patch, subresource="status")
        self._heartbeats[name].reported = _reported(updated)
        self._tell(node, "NodeNotReady", "status is now: NodeNotReady")
        return {"apiVersion": "v1", "kind": "Node", **updated}

    async def _taint(self, node: Object, now: datetime) -> float:
        """The seconds until pods may be evicted from the node, if that is wanted and cannot be now."""
        wanted, wait = wanted_taints(node), 0.0
        if wanted != without_eviction(wanted):
            wait = self._wait_to_evict(node, now)
        if wait:
            wanted = without_eviction(wanted)
        planned = plan_taints(node["spec"].get("taints") or [], wanted, format_time(now))
        if planned is not None:
            await self._set_taints(node, planned)
        return wait or inf

    def _wait_to_evict(self, node: Object, now: datetime) -> float:
        """0 if it may be now, or goes on. Where no node is seen at all it does not go on either."""
        if self._zones.is_all_silent:
            return inf
        if is_evicting(node):
            return 0.0
        zone, moment = zone_of(node), now.timestamp()
        wait = self._zones.wait(zone, moment)
        if not wait:
            self._zones.take(zone, moment)
            NODE_EVICTIONS.labels(zone).inc()
        return wait

    async def _set_taints(self, node: Object, planned: list[Object]) -> None:
        metadata = {"resourceVersion": node["metadata"]["resourceVersion"]}
        patch = {"metadata": metadata, "spec": {"taints": planned or None}}
        try:
            await self._client.patch(scheme.NODES, node["metadata"]["name"], patch)
        except (ConflictError, NotFoundError):
            # The node changed meanwhile; its event brings us back with the new one.
            return

    async def _mark_pods_not_ready(self, node: Object, now: datetime) -> None:
        """Endpoints must not point to a node that nobody hears from."""
        if (conditions.condition_of(node, "Ready") or {}).get("status") == "False":
            return
        pods = self._pods.by_index(PODS_BY_NODE, node["metadata"]["name"])
        ready = [pod for pod in pods if conditions.is_condition_true(pod, "Ready")]
        await asyncio.gather(*(self._mark_not_ready(pod, now) for pod in ready))

    async def _mark_not_ready(self, pod: Object, now: datetime) -> None:
        key = key_of(pod)
        condition = {"type": "Ready", "status": "False", "lastTransitionTime": format_time(now)}
        try:
            await self._client.patch(
                scheme.PODS,
                key.name,
                {"status": {"conditions": [condition]}},
                key.namespace,
                patch_type=STRATEGIC,
                subresource="status",
            )
        except NotFoundError:
            return
        self._events.event(pod, WARNING, "NodeNotReady", "Node is not ready")


def _reported(node: Object) -> str:
    return str((conditions.condition_of(node, "Ready") or {}).get("lastHeartbeatTime", ""))


def _renewal(lease: Object | None) -> str:
    return str(get_path(lease or {}, "spec.renewTime", ""))


def _moment() -> float:
    return asyncio.get_running_loop().time()
