"""State: what the API says of Services, endpoints and this node, and the ruleset that follows from it.

Bookkeeping and planning only: it is told of changes, remembers which services they concern, and plans those
again. Nothing here waits or writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apimachinery.objects import NamespacedName, Object, key_of, resource_version_of
from kube_proxy.announcement import Balancer
from kube_proxy.backends import Backend
from kube_proxy.conntrack import Destination, Targets
from kube_proxy.context import Context
from kube_proxy.endpoints import Endpoint, LocalEndpoints, parse_slices, service_of
from kube_proxy.journal import Revisions
from kube_proxy.port_plan import PortPlan, plan_port
from kube_proxy.ruleset import Fragment, Ruleset, join
from kube_proxy.services import ServicePort, ServicePortName, parse_service


@dataclass(slots=True)
class _Planned:
    """One Service's ports, endpoints, plans and their part of the ruleset."""

    ports: dict[ServicePortName, ServicePort] = field(default_factory=dict)
    endpoints: dict[ServicePortName, tuple[Endpoint, ...]] = field(default_factory=dict)
    plans: list[PortPlan] = field(default_factory=list)
    fragments: list[Fragment] = field(default_factory=list)


class State:
    """Everything a node's proxy knows."""

    def __init__(self, context: Context, backend: Backend) -> None:
        self._context = context
        self._backend = backend
        self._services: dict[NamespacedName, Object] = {}
        self._slices: dict[NamespacedName, dict[str, Object]] = {}
        self._planned: dict[NamespacedName, _Planned] = {}
        self._dirty: set[NamespacedName] = set()
        self._udp_changes: dict[Destination, Targets] = {}
        self._planned_anew: dict[NamespacedName, Revisions] = {}

    @property
    def context(self) -> Context:
        return self._context

    # What is told. Each returns whether a sync is due.

    def set_context(self, context: Context) -> bool:
        if context == self._context:
            return False
        self._context = context
        self._dirty.update(self._services)
        return True

    def service(self, old: Object | None, new: Object | None) -> bool:
        key = key_of(new or old or {})
        if new is None:
            self._services.pop(key, None)
        else:
            self._services[key] = new
        if old is not None and new is not None and self._ports(old) == self._ports(new):
            return False
        self._dirty.add(key)
        return True

    def endpoint_slice(self, old: Object | None, new: Object | None) -> bool:
        changed = False
        for which, is_new in ((old, False), (new, True)):
            key = service_of(which) if which is not None else None
            if which is None or key is None:
                continue
            slices = self._slices.setdefault(key, {})
            slices.pop(which["metadata"]["name"], None)
            if is_new:
                slices[which["metadata"]["name"]] = which
            elif not slices:
                del self._slices[key]
            self._dirty.add(key)
            changed = True
        return changed

    # What follows

    def plan(self) -> Ruleset:
        """The ruleset for what is known now."""
        for key in self._dirty:
            self._plan_service(key)
        self._dirty.clear()
        fragments = (fragment for key in sorted(self._planned) for fragment in self._planned[key].fragments)
        return join(self._backend.base_rules(self._context), fragments)

    def _plan_service(self, key: NamespacedName) -> None:
        before = self._planned.pop(key, _Planned())
        after = _Planned()
        self._planned_anew[key] = self._revisions(key)
        if key in self._services:
            known = parse_slices(self._slices.get(key, {}).values(), self._context.local_nodes)
            for port in self._ports(self._services[key]):
                after.ports[port.name] = port
                after.endpoints[port.name] = known.get(port.name, ())
                plan = plan_port(port, after.endpoints[port.name], self._context)
                after.plans.append(plan)
                after.fragments.append(self._backend.port_rules(plan, self._context))
            self._planned[key] = after
        self._note_udp(before, after)

    def _ports(self, service: Object) -> list[ServicePort]:
        return parse_service(service, self._context.family.version)

    def _revisions(self, key: NamespacedName) -> Revisions:
        slices = {name: resource_version_of(each) for name, each in self._slices.get(key, {}).items()}
        return Revisions(resource_version_of(self._services.get(key, {})), slices)

    def take_planned_anew(self) -> Mapping[NamespacedName, Revisions]:
        """The services that were planned since this was last asked, and from what."""
        taken, self._planned_anew = self._planned_anew, {}
        return taken

    def _note_udp(self, before: _Planned, after: _Planned) -> None:
        """Remembers destinations whose flows may lead to endpoints that are gone."""
        for name, port in {**before.ports, **after.ports}.items():
            same = before.ports.get(name) == after.ports.get(name)
            if name.protocol != "UDP" or (same and before.endpoints[name] == after.endpoints[name]):
                continue
            now = frozenset(
                (each.ip, each.port)
                for each in after.endpoints.get(name, ())
                if each.is_ready or each.is_draining
            )
            for each in filter(None, (before.ports.get(name), after.ports.get(name), port)):
                self._udp_changes.update(dict.fromkeys(_destinations(each), now))

    def take_udp_changes(self) -> Mapping[Destination, Targets]:
        """Destination -> its endpoints now, of UDP ports that changed since this was last asked."""
        taken, self._udp_changes = self._udp_changes, {}
        return taken

    def local_endpoints(self) -> dict[int, LocalEndpoints]:
        """Health check port -> its service and how many of its endpoints are ready here."""
        found: dict[int, LocalEndpoints] = {}
        for key, planned in self._planned.items():
            for name, port in planned.ports.items():
                if port.health_check_node_port:
                    ready = {each.ip for each in planned.endpoints[name] if each.is_local and each.is_ready}
                    found[port.health_check_node_port] = LocalEndpoints(key, len(ready))
        return found

    def balancers(self) -> list[Balancer]:
        found: dict[str, frozenset[str]] = {}
        for planned in self._planned.values():
            for name, port in planned.ports.items():
                nodes = _nodes_with(planned.endpoints[name]) if port.is_external_local else frozenset()
                for ip in port.load_balancer_ips:
                    found[ip] = found.get(ip, frozenset()) | nodes
        return [Balancer(ip, nodes) for ip, nodes in found.items()]

    def without_local_endpoints(self) -> tuple[int, int]:
        """How many ports have endpoints, but none here for internal, and for external, traffic."""
        plans = [plan for planned in self._planned.values() for plan in planned.plans if plan.endpoints.exist]
        return sum(not plan.has_internal for plan in plans), sum(not plan.has_external for plan in plans)


def _nodes_with(endpoints: Iterable[Endpoint]) -> frozenset[str]:
    """Nodes with ready ones; where there is none, nodes with some that still serve."""
    ready = {each.node for each in endpoints if each.is_ready}
    return frozenset(ready or {each.node for each in endpoints if each.is_draining})


def _destinations(port: ServicePort) -> Iterable[Destination]:
    for ip in (port.cluster_ip, *port.external_ips, *port.load_balancer_ips):
        yield (ip, port.port)
    if port.node_port:
        yield ("", port.node_port)
