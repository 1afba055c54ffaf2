"""Endpoints of service ports, from EndpointSlices, and which of them a node's traffic may go to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from apimachinery.objects import NamespacedName, Object, get_path, labels_of, namespace_of
from apimachinery.well_known import SERVICE_NAME, ZONE
from kube_proxy.services import ServicePort, ServicePortName


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One address and port behind a service port."""

    ip: str
    port: int
    is_ready: bool = True
    is_serving: bool = True
    is_terminating: bool = False
    node: str = ""
    is_local: bool = False
    zones: frozenset[str] = frozenset()  # hints: whose traffic it is meant for
    nodes: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    @property
    def is_draining(self) -> bool:
        return self.is_serving and self.is_terminating


@dataclass(frozen=True, slots=True)
class Usable:
    """The endpoints for each kind of traffic. `exist`: there are some, be they on other nodes."""

    cluster: tuple[Endpoint, ...]
    local: tuple[Endpoint, ...]
    exist: bool

    @property
    def reachable(self) -> tuple[Endpoint, ...]:
        return tuple(sorted({*self.cluster, *self.local}))


@dataclass(frozen=True, slots=True)
class LocalEndpoints:
    """How many ready endpoints of a service are on this node."""

    service: NamespacedName
    count: int


def service_of(endpoint_slice: Object) -> NamespacedName | None:
    name = labels_of(endpoint_slice).get(SERVICE_NAME)
    return NamespacedName(namespace_of(endpoint_slice), name) if name else None


def parse_slices(
    slices: Iterable[Object], here: AbstractSet[str], address_type: str = "IPv4"
) -> dict[ServicePortName, tuple[Endpoint, ...]]:
    """All endpoints of a Service's slices by port name. One that is in several slices counts once.

    `here`: the nodes whose endpoints are local.
    """
    found: dict[ServicePortName, dict[tuple[str, int], Endpoint]] = {}
    for endpoint_slice in slices:
        service = service_of(endpoint_slice)
        if service is None or endpoint_slice.get("addressType") != address_type:
            continue
        for port in endpoint_slice.get("ports") or ():
            if not port.get("port"):
                continue
            protocol = port.get("protocol") or "TCP"
            name = ServicePortName(service.namespace, service.name, port.get("name") or "", protocol)
            known = found.setdefault(name, {})
            for each in endpoint_slice.get("endpoints") or ():
                endpoint = _parse(each, port["port"], here)
                other = known.get((endpoint.ip, endpoint.port))
                if other is None or endpoint.is_ready:  # while it moves from slice to slice
                    known[(endpoint.ip, endpoint.port)] = endpoint
    return {name: tuple(sorted(known.values())) for name, known in found.items()}


def _parse(endpoint: Object, port: int, here: AbstractSet[str]) -> Endpoint:
    conditions, node = endpoint.get("conditions") or {}, endpoint.get("nodeName") or ""
    return Endpoint(
        ip=endpoint["addresses"][0],
        port=port,
        is_ready=conditions.get("ready") is not False,
        is_serving=conditions.get("serving") is not False,
        is_terminating=bool(conditions.get("terminating")),
        node=node,
        is_local=node in here,
        zones=frozenset(each["name"] for each in get_path(endpoint, "hints.forZones", [])),
        nodes=frozenset(each["name"] for each in get_path(endpoint, "hints.forNodes", [])),
    )


def choose(
    port: ServicePort,
    endpoints: Sequence[Endpoint],
    here: AbstractSet[str],
    node_labels: Mapping[str, str],
) -> Usable:
    """Ready endpoints; where there are none, those that still serve while they terminate."""
    cluster: list[Endpoint] = []
    local: list[Endpoint] = []
    if port.uses_cluster_endpoints:
        ready = [each for each in endpoints if each.is_ready]
        cluster = _hinted(ready, here, node_labels) or [each for each in endpoints if each.is_draining]
    if port.uses_local_endpoints:
        ours = [each for each in endpoints if each.is_local]
        local = [each for each in ours if each.is_ready] or [each for each in ours if each.is_draining]
    exist = bool(cluster or local) or any(each.is_ready or each.is_draining for each in endpoints)
    return Usable(tuple(cluster), tuple(local), exist)


def _hinted(ready: list[Endpoint], here: AbstractSet[str], node_labels: Mapping[str, str]) -> list[Endpoint]:
    """Those meant for this node, or for its zone, if every endpoint says whom it is meant for."""
    if all(each.nodes for each in ready) and (mine := [each for each in ready if here & each.nodes]):
        return mine
    zone = node_labels.get(ZONE)
    if zone and all(each.zones for each in ready):
        return [each for each in ready if zone in each.zones] or ready
    return ready
