"""spec.devices of a claim or template: requests, constraints and configuration.

Source: pkg/apis/resource/validation/validation.go and v1/defaults.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import NOT_POSITIVE, dns_label
from apiserver.registry.strategies.devices.checks import (
    MAX_ENTRIES,
    class_name,
    configuration,
    each,
    each_once,
    fully_qualified_name,
    name_of_entry,
    selector,
)

EXACT_COUNT, ALL = "ExactCount", "All"
ADMIN_LABEL = "resource.kubernetes.io/admin-access"
"""On a namespace, "true": claims in it may have devices that are in use."""
MAX_ALTERNATIVES = 8
_NO_REQUEST = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)
_ONE_KIND = "exactly one of `exactly` or `firstAvailable` is required"
_GATED = ("tolerations", "capacity")
"""Fields of requests behind gates that are closed in 1.34."""


def _alternatives(devices: Object) -> Iterator[Object]:
    """What says how many devices of which class: requests that are exact, and all subrequests."""
    for request in devices.get("requests") or ():
        if request.get("exactly") is not None:
            yield request["exactly"]
        yield from request.get("firstAvailable") or ()


def default_devices(devices: Object) -> None:
    for request in _alternatives(devices):
        request["allocationMode"] = request.get("allocationMode") or EXACT_COUNT
        if request["allocationMode"] == EXACT_COUNT and not request.get("count"):
            request["count"] = 1


def drop_gated(devices: Object) -> None:
    for request in _alternatives(devices):
        for field in _GATED:
            request.pop(field, None)
    for constraint in devices.get("constraints") or ():
        constraint.pop("distinctAttribute", None)


def validate_devices(devices: Object, path: Path) -> Errors:
    names = request_names(devices)
    requests, constraints = devices.get("requests") or (), devices.get("constraints") or ()
    yield from each_once(requests, MAX_ENTRIES, _request, path.child("requests"), name_of_entry)
    check = partial(_constraint, names=names)
    yield from each(constraints, MAX_ENTRIES, check, path.child("constraints"))
    check = partial(named_configuration, names=names)
    yield from each(devices.get("config") or (), MAX_ENTRIES, check, path.child("config"))


def request_names(devices: Object) -> frozenset[str]:
    """`request` and `request/subrequest`."""
    found = set()
    for request in devices.get("requests") or ():
        name = name_of_entry(request)
        found.add(name)
        found |= {f"{name}/{name_of_entry(each)}" for each in request.get("firstAvailable") or ()}
    return frozenset(found)


def request_reference(name: str, path: Path, *, names: frozenset[str]) -> Errors:
    segments = name.split("/")
    if len(segments) <= 2:
        for segment in segments:
            yield from dns_label(segment, path)
    if name not in names:
        yield invalid(path, name, _NO_REQUEST)


def named_configuration(entry: Object, path: Path, *, names: frozenset[str]) -> Errors:
    """For some requests, or for all."""
    check = partial(request_reference, names=names)
    yield from each_once(entry.get("requests") or (), MAX_ENTRIES, check, path.child("requests"))
    yield from configuration(entry, path)


def _request(request: Object, path: Path) -> Errors:
    yield from dns_label(name_of_entry(request), path.child("name"))
    exactly, alternatives = request.get("exactly"), request.get("firstAvailable") or ()
    if exactly is None and not alternatives:
        yield required(path, _ONE_KIND)
    elif exactly is not None and alternatives:
        yield invalid(path, None, f"{_ONE_KIND}, but multiple fields are set")
    elif exactly is not None:
        yield from _exactly(exactly, path.child("exactly"))
    else:
        at = path.child("firstAvailable")
        yield from each_once(alternatives, MAX_ALTERNATIVES, _subrequest, at, name_of_entry)


def _subrequest(request: Object, path: Path) -> Errors:
    yield from dns_label(name_of_entry(request), path.child("name"))
    yield from _exactly(request, path)


def _exactly(request: Object, path: Path) -> Errors:
    yield from class_name(request.get("deviceClassName") or "", path.child("deviceClassName"))
    yield from each(request.get("selectors") or (), MAX_ENTRIES, selector, path.child("selectors"))
    mode, count = request.get("allocationMode") or "", request.get("count") or 0
    if mode == ALL and count:
        detail = f"must not be specified when allocationMode is '{mode}'"
        yield invalid(path.child("count"), count, detail)
    elif mode == EXACT_COUNT and count <= 0:
        yield invalid(path.child("count"), count, NOT_POSITIVE)
    elif mode not in (ALL, EXACT_COUNT):
        yield not_supported(path.child("allocationMode"), mode, [ALL, EXACT_COUNT])


def _constraint(constraint: Object, path: Path, *, names: frozenset[str]) -> Errors:
    check = partial(request_reference, names=names)
    yield from each_once(constraint.get("requests") or (), MAX_ENTRIES, check, path.child("requests"))
    attribute, at = constraint.get("matchAttribute"), path.child("matchAttribute")
    if attribute is None:
        yield required(at)
    else:
        yield from fully_qualified_name(attribute, at)


def why_no_admin(devices: Object, namespace: Object | None) -> ErrorList:
    """Devices that are in use, for who looks after them, are only for namespaces that are marked so."""
    for index, request in enumerate(devices.get("requests") or ()):
        if get_path(request, "exactly.adminAccess", False):
            at = Path("spec", "devices", "requests").index(index).child("adminAccess")
            return refusal_of_admin(at, namespace)
    return []


def refusal_of_admin(path: Path, namespace: Object | None) -> ErrorList:
    if get_path(namespace, ("metadata", "labels", ADMIN_LABEL)) == "true":
        return []
    label = f"`{ADMIN_LABEL}: true`"
    return [
        forbidden(path, f"admin access to devices requires the {label} label on the containing namespace")
    ]
