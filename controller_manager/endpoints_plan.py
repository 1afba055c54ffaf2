"""Which addresses stand behind a Service: pure, shared by the Endpoints and the EndpointSlice controllers.

Source: k8s.io/endpointslice (utils.go, reconciler.go), pkg/controller/endpoint/endpoints_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.conditions import condition_of
from apimachinery.objects import (
    Object,
    annotations_of,
    is_terminating,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.pods import is_ready, is_sidecar, is_terminal
from apimachinery.well_known import TOPOLOGY_MODE

HEADLESS_LABEL = "service.kubernetes.io/headless"

Port = tuple[str, str, int, str]
"""name, protocol, number, application protocol."""


@dataclass(frozen=True, slots=True)
class PodEndpoint:
    """One pod's address for one set of ports."""

    ip: str
    ports: tuple[Port, ...]
    ready: bool
    serving: bool
    terminating: bool
    pod: str
    namespace: str
    uid: str
    node: str
    hostname: str = ""
    zone: str = ""
    hints: Object = field(default_factory=dict)

    @property
    def target_ref(self) -> Object:
        return {"kind": "Pod", "namespace": self.namespace, "name": self.pod, "uid": self.uid}


def is_headless(service: Object) -> bool:
    return bool(service["spec"].get("clusterIP") == "None")


def selects(service: Object, pod: Object) -> bool:
    """Whether the Service has a selector and it matches the pod's labels."""
    selector = service["spec"].get("selector")
    labels = labels_of(pod)
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def family_of(service: Object) -> str:
    families: list[str] = service["spec"].get("ipFamilies") or ["IPv4"]
    return families[0]


def pod_endpoint(service: Object, pod: Object, zone: str, *, terminating: bool) -> PodEndpoint | None:
    """Its address of the Service's family, if a pod that the Service selects belongs to it.

    With `terminating` one on its way out does, too. `zone` is its node's.
    """
    ip = _address(pod, family_of(service))
    return _endpoint(service, pod, ip, zone) if ip and _belongs(pod, terminating) else None


def concerns_endpoints(old: Object | None, new: Object | None) -> bool:
    """Whether a pod's change can change an endpoint: most of what happens before it has an address can't."""
    return _facts(old) != _facts(new)


def _facts(pod: Object | None) -> tuple[object, ...] | None:
    status, spec = (pod.get("status") or {}, pod["spec"]) if pod else ({}, {})
    if pod is None or not (status.get("podIP") or status.get("podIPs")):
        return None
    return (
        *(uid_of(pod), labels_of(pod), is_terminating(pod), is_terminal(pod), condition_of(pod, "Ready")),
        *(spec.get(name) for name in ("nodeName", "hostname", "subdomain")),
        *(status.get("podIP"), status.get("podIPs")),
    )


def _address(pod: Object, family: str) -> str:
    status = pod.get("status") or {}
    addresses = [each.get("ip", "") for each in status.get("podIPs") or []] or [status.get("podIP") or ""]
    return next((ip for ip in addresses if ip and (":" in ip) == (family == "IPv6")), "")


def _belongs(pod: Object, terminating: bool) -> bool:
    return not is_terminal(pod) and (terminating or not is_terminating(pod))


def _endpoint(service: Object, pod: Object, ip: str, zone: str) -> PodEndpoint:
    spec = pod["spec"]
    serving, ending = is_ready(pod), is_terminating(pod)
    published = bool(service["spec"].get("publishNotReadyAddresses"))
    named = spec.get("hostname") and spec.get("subdomain") == name_of(service)
    node = spec.get("nodeName", "")
    ready = published or (serving and not ending)
    return PodEndpoint(
        ip=ip,
        ports=ports_for(service, pod),
        ready=ready,
        serving=serving,
        terminating=ending,
        pod=name_of(pod),
        namespace=namespace_of(pod),
        uid=uid_of(pod),
        node=node,
        hostname=spec["hostname"] if named else "",
        zone=zone,
        hints=_hints(service, node, zone) if ready else {},
    )


def is_shared_by_zones(service: Object) -> bool:
    return bool(annotations_of(service).get(TOPOLOGY_MODE, "").lower() == "auto")


def _hints(service: Object, node: str, zone: str) -> Object:
    """Whose traffic an endpoint is meant for: that of its own zone, or of its own node before that."""
    wish = service["spec"].get("trafficDistribution")
    if is_shared_by_zones(service):
        return {}  # which takes precedence
    hints: Object = {}
    if zone and wish in ("PreferClose", "PreferSameZone", "PreferSameNode"):
        hints["forZones"] = [{"name": zone}]
    if node and wish == "PreferSameNode":
        hints["forNodes"] = [{"name": node}]
    return hints


def ports_for(service: Object, pod: Object) -> tuple[Port, ...]:
    """The Service's ports as this pod has them; a named port that the pod lacks is left out."""
    found = []
    for port in service["spec"].get("ports") or []:
        number = _port_number(port, pod)
        if number:
            protocol = port.get("protocol") or "TCP"
            found.append((port.get("name") or "", protocol, number, port.get("appProtocol") or ""))
    return tuple(found)


def _port_number(port: Object, pod: Object) -> int:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    spec = pod["spec"]
    sidecars = [container for container in spec.get("initContainers") or [] if is_sidecar(container)]
    for container in [*spec["containers"], *sidecars]:
        for each in container.get("ports") or []:
            same = (each.get("protocol") or "TCP") == (port.get("protocol") or "TCP")
            if each.get("name") == target and same:
                return int(each["containerPort"])
    return 0


def subsets(endpoints: Sequence[PodEndpoint]) -> list[Object]:
    """Endpoints' subsets: ports that have the very same addresses stand together, as upstream packs them.

    So a port that all pods share makes one subset, and a named port that differs one for each number.
    """
    by_port: dict[Port | None, list[int]] = {}
    for index, endpoint in enumerate(endpoints):
        for port in endpoint.ports or (None,):
            by_port.setdefault(port, []).append(index)
    packed: dict[tuple[int, ...], list[Port]] = {}
    for port, members in by_port.items():
        packed.setdefault(tuple(members), []).extend([] if port is None else [port])
    groups = sorted((sorted(ports), members) for members, ports in packed.items())
    return [_subset(ports, [endpoints[index] for index in members]) for ports, members in groups]


def _subset(ports: Sequence[Port], members: Sequence[PodEndpoint]) -> Object:
    ready = [_endpoint_address(each) for each in members if each.ready]
    waiting = [_endpoint_address(each) for each in members if not each.ready]
    subset: Object = {}
    if ready:
        subset["addresses"] = ready
    if waiting:
        subset["notReadyAddresses"] = waiting
    if ports:
        subset["ports"] = [_endpoint_port(port) for port in ports]
    return subset


def _endpoint_address(endpoint: PodEndpoint) -> Object:
    address: Object = {"ip": endpoint.ip}
    if endpoint.hostname:
        address["hostname"] = endpoint.hostname
    if endpoint.node:
        address["nodeName"] = endpoint.node
    return address | {"targetRef": endpoint.target_ref}


def _endpoint_port(port: Port) -> Object:
    name, protocol, number, application = port
    result: Object = {"name": name} if name else {}
    result |= {"port": number, "protocol": protocol}
    return result | {"appProtocol": application} if application else result


@dataclass(frozen=True, slots=True)
class SlicePlan:
    """New bodies (endpoints and ports), changed objects, and the names of those to go."""

    create: tuple[Object, ...] = ()
    update: tuple[Object, ...] = ()
    delete: tuple[str, ...] = ()


def plan_slices(endpoints: Sequence[PodEndpoint], existing: Sequence[Object], limit: int = 100) -> SlicePlan:
    """The fewest writes that make the slices hold exactly these endpoints.

    Endpoints stay in the slice they are in; new ones fill slices with room, then new slices. Without
    endpoints one empty slice remains. Slices of other ports, or left empty, go; but before one goes and
    another comes, it is filled anew.
    """
    groups: dict[tuple[Port, ...], list[PodEndpoint]] = {}
    for endpoint in endpoints:
        groups.setdefault(endpoint.ports, []).append(endpoint)
    if not groups:
        return _plan_placeholder(existing)
    create: list[Object] = []
    update: list[Object] = []
    kept: set[str] = set()
    for ports, members in groups.items():
        wire_ports = [_slice_port(port) for port in ports]
        mine = [each for each in existing if name_of(each) not in kept and _same_ports(each, wire_ports)]
        filled, fresh = _fill(members, mine, limit)
        for slice_, body in zip(mine, filled, strict=True):
            if body:
                kept.add(name_of(slice_))
                if body != (slice_.get("endpoints") or []):
                    update.append({**slice_, "endpoints": body})
        create += [{"endpoints": body, "ports": wire_ports} for body in fresh]
    gone = [each for each in existing if name_of(each) not in kept]
    reused = [{**slice_, **body} for slice_, body in zip(gone, create, strict=False)]
    rest = tuple(name_of(each) for each in gone[len(reused) :])
    return SlicePlan(tuple(create[len(reused) :]), (*update, *reused), rest)


def _plan_placeholder(existing: Sequence[Object]) -> SlicePlan:
    if not existing:
        return SlicePlan(create=({"endpoints": [], "ports": []},))
    first, *rest = existing
    empty = not (first.get("endpoints") or []) and not (first.get("ports") or [])
    update = () if empty else ({**first, "endpoints": [], "ports": []},)
    return SlicePlan(update=update, delete=tuple(map(name_of, rest)))


def _fill(
    members: Sequence[PodEndpoint], slices: Sequence[Object], limit: int
) -> tuple[list[list[Object]], list[list[Object]]]:
    """The new contents of each slice, and of slices to be made."""
    wanted = {(each.ip, each.uid): _slice_endpoint(each) for each in members}
    bodies: list[list[Object]] = []
    for slice_ in slices:
        keys = [_key(each) for each in slice_.get("endpoints") or []]
        bodies.append([wanted.pop(key) for key in keys if key in wanted])
    rest = list(wanted.values())
    for body in sorted(bodies, key=len, reverse=True):
        room = max(0, limit - len(body)) if body else 0
        body += rest[:room]
        rest = rest[room:]
    for body in bodies:
        if not body:
            body += rest[:limit]
            rest = rest[limit:]
    return bodies, [rest[i : i + limit] for i in range(0, len(rest), limit)]


def _key(endpoint: Object) -> tuple[str, str]:
    addresses = endpoint.get("addresses") or [""]
    return addresses[0], (endpoint.get("targetRef") or {}).get("uid", "")


def _slice_endpoint(endpoint: PodEndpoint) -> Object:
    conditions = {
        "ready": endpoint.ready,
        "serving": endpoint.serving,
        "terminating": endpoint.terminating,
    }
    body: Object = {"addresses": [endpoint.ip], "conditions": conditions}
    optional = {
        "hints": endpoint.hints,
        "hostname": endpoint.hostname,
        "nodeName": endpoint.node,
        "zone": endpoint.zone,
    }
    body |= {name: value for name, value in optional.items() if value}
    return body | {"targetRef": endpoint.target_ref}


def _slice_port(port: Port) -> Object:
    name, protocol, number, application = port
    result: Object = {"name": name, "port": number, "protocol": protocol}
    return result | {"appProtocol": application} if application else result


def _same_ports(slice_: Object, ports: Sequence[Object]) -> bool:
    def canonical(values: Sequence[Object]) -> list[list[tuple[str, Any]]]:
        return sorted(sorted(each.items()) for each in values)

    return canonical(slice_.get("ports") or []) == canonical(ports)
