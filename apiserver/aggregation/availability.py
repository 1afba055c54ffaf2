"""Whether another server can be asked for its API: what the cluster says about its Service. Pure.

Source: pkg/controllers/status/remote of kube-aggregator 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.conditions import find_condition
from apimachinery.objects import Object, get_path
from apiserver.aggregation.remotes import Server

AVAILABLE = "Available"


def passed() -> Object:
    return _condition("True", "Passed", "all checks passed")


def unanswered(why: str) -> Object:
    """It did not tell what it serves."""
    return _condition("False", "FailedDiscoveryCheck", why)


def obstacle(server: Server, service: Object | None, slices: Sequence[Object]) -> Object | None:
    """What keeps it from being asked: the condition that says so, or None. `slices` are the Service's."""
    name, where = f"service/{server.name}", f'"{server.namespace}"'
    if service is None:
        return _condition("False", "ServiceNotFound", f"{name} in {where} is not present")
    if get_path(service, "spec.type") != "ClusterIP":
        return None
    ports = get_path(service, "spec.ports") or ()
    port = next((each for each in ports if each["port"] == server.port), None)
    if port is None:
        text = f"{name} in {where} is not listening on port {server.port}"
        return _condition("False", "ServicePortError", text)
    if not slices:
        return _condition("False", "EndpointsNotFound", f"cannot find endpointslices for {name} in {where}")
    port_name = port.get("name") or ""
    if not any(_serves(each, port_name) for each in slices):
        text = f'endpointslices for {name} in {where} have no addresses with port name "{port_name}"'
        return _condition("False", "MissingEndpoints", text)
    return None


def _serves(slice_: Object, port_name: str) -> bool:
    is_ready = any(get_path(each, "conditions.ready", True) for each in slice_.get("endpoints") or ())
    return is_ready and any((each.get("name") or "") == port_name for each in slice_.get("ports") or ())


def with_condition(service: Object, condition: Object, now: str) -> Object | None:
    """The APIService with its new condition; None if that is no news. Times move only with the status."""
    listed = get_path(service, "status.conditions") or []
    known = find_condition(listed, AVAILABLE)
    if known is not None and all(known.get(key) == value for key, value in condition.items()):
        return None
    is_same = known is not None and known["status"] == condition["status"]
    time = known["lastTransitionTime"] if known is not None and is_same else now
    others = [each for each in listed if each is not known]
    return service | {"status": {"conditions": [*others, {**condition, "lastTransitionTime": time}]}}


def _condition(status: str, reason: str, message: str) -> Object:
    return {"type": AVAILABLE, "status": status, "reason": reason, "message": message}
