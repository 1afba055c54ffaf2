"""Endpoints and EndpointSlices: where the pods behind a Service are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, required, too_many
from apimachinery.objects import Object, labels_of
from apimachinery.well_known import ENDPOINTS_CONTROLLER, ENDPOINTS_MANAGED_BY, HOSTNAME, SLICE_MANAGED_BY
from apiserver.registry.strategies.checks import (
    dns_label,
    enumerate_repeats,
    immutable,
    matches,
    non_special_ip,
    one_of,
    port_number,
    qualified_name,
    same,
    valid_ip,
)
from apiserver.registry.strategies.podspec.defaults import fill, fill_absent
from apiserver.registry.strategies.tables import NONE, UNSET, age, columns
from apiserver.registry.strategies.warnings.addresses import ip_warnings
from apiserver.registry.strategy import Column, Strategy

_OWN_CONTROLLERS = ("endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io")
"""They write addresses as they should be: nothing to look for, and much to look through."""
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_SHOWN = 3
_MAX_HINTS = 8
_MAX_ENDPOINTS, _MAX_PORTS, _MAX_ADDRESSES = 1000, 20000, 100


class EndpointsStrategy(Strategy):
    has_status = False
    tracks_generation = False
    allow_create_on_update = True
    deprecation = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    columns: Sequence[Column] = columns("Endpoints")

    def default(self, obj: Object) -> None:
        for subset in obj.get("subsets") or ():
            for port in subset.get("ports") or ():
                fill(port, {"protocol": "TCP"})

    def validate(self, obj: Object) -> ErrorList:
        errors: ErrorList = []
        for index, subset in enumerate(obj.get("subsets") or ()):
            errors += _validate_subset(subset, Path("subsets").index(index))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        if labels_of(obj).get(ENDPOINTS_MANAGED_BY) == ENDPOINTS_CONTROLLER:
            return []
        return [
            text
            for index, subset in enumerate(obj.get("subsets") or ())
            for field in ("addresses", "notReadyAddresses")
            for place, address in enumerate(subset.get(field) or ())
            for text in ip_warnings(f"subsets[{index}].{field}[{place}].ip", address.get("ip") or "")
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], _endpoints_text(obj.get("subsets") or ()), age(obj, now)]


def _validate_subset(subset: Object, path: Path) -> Errors:
    sorts = ("addresses", "notReadyAddresses")
    if not any(subset.get(sort) for sort in sorts):
        yield required(path, "must specify `addresses` or `notReadyAddresses`")
    for sort in sorts:
        for index, address in enumerate(subset.get(sort) or ()):
            yield from _validate_address(address, path.child(sort).index(index))
    ports = subset.get("ports") or ()
    for index, port in enumerate(ports):
        at = path.child("ports").index(index)
        if port.get("name"):
            yield from dns_label(port["name"], at.child("name"))
        elif len(ports) > 1:
            yield required(at.child("name"))
        yield from port_number(port.get("port"), at.child("port"))
        yield from one_of(port.get("protocol"), at.child("protocol"), _PROTOCOLS)
        if port.get("appProtocol") is not None:
            yield from qualified_name(port["appProtocol"], at.child("appProtocol"))


def _validate_address(address: Object, path: Path) -> Errors:
    ip = address.get("ip") or ""
    yield from valid_ip(ip, path.child("ip"))
    if address.get("hostname"):
        yield from dns_label(address["hostname"], path.child("hostname"))
    if address.get("nodeName") is not None:
        yield from matches(address["nodeName"], path.child("nodeName"), names.is_dns1123_subdomain)
    yield from non_special_ip(ip, path.child("ip"))


def _with_more(shown: Sequence[str]) -> str:
    text = ",".join(shown[:_SHOWN])
    return f"{text} + {len(shown) - _SHOWN} more..." if len(shown) > _SHOWN else text


def _port_text(port: Object) -> str:
    """All ports, or one that only the pod knows by that name."""
    number, name = port.get("port"), port.get("name")
    return "*" if number is None and name is None else str(name if number is None else number)


def _endpoints_text(subsets: Sequence[Object]) -> str:
    if not subsets:
        return NONE
    found: list[str] = []
    for subset in subsets:
        ips = [address.get("ip") or "" for address in subset.get("addresses") or ()]
        ports = subset.get("ports") or ()
        hosts = [f"[{ip}]" if ":" in ip else ip for ip in ips]
        found += [f"{host}:{port.get('port')}" for port in ports for host in hosts] if ports else ips
    return _with_more(found)


class EndpointSliceStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = columns("AddressType", "Ports", "Endpoints")

    def prepare_for_create(self, obj: Object) -> None:
        for endpoint in obj.get("endpoints") or ():
            endpoint.pop("deprecatedTopology", None)

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """What v1 does not write any more stays in endpoints that do not change. Other labels are a new
        generation, too."""
        if not same(new.get("endpoints"), old.get("endpoints")):
            self.prepare_for_create(new)
        if labels_of(new) != labels_of(old):
            new["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1

    def default(self, obj: Object) -> None:
        """Go's lists are written even if they are none, then as null."""
        for name in ("endpoints", "ports"):
            obj.setdefault(name, None)
        for port in obj["ports"] or ():
            fill_absent(port, {"name": "", "protocol": "TCP"})

    def validate(self, obj: Object) -> ErrorList:
        sort, at = obj.get("addressType"), Path("addressType")
        return [
            *one_of(sort, at, ("FQDN", "IPv4", "IPv6")),
            *_validate_endpoints(obj.get("endpoints") or [], sort or ""),
            *_validate_slice_ports(obj.get("ports") or []),
        ]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        at = Path("addressType")
        return [*self.validate(new), *immutable(new.get("addressType"), old.get("addressType"), at)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        if obj.get("addressType") == "FQDN":
            return ["spec.addressType: FQDN endpoints are deprecated"]
        if labels_of(obj).get(SLICE_MANAGED_BY) in _OWN_CONTROLLERS:
            return []
        return [
            text
            for index, endpoint in enumerate(obj.get("endpoints") or ())
            for place, address in enumerate(endpoint.get("addresses") or ())
            for text in ip_warnings(f"endpoints[{index}].addresses[{place}]", address)
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        addresses = [a for each in obj.get("endpoints") or () for a in each.get("addresses") or ()]
        ports = [_port_text(port) for port in obj.get("ports") or ()]
        return [
            obj["metadata"]["name"],
            obj.get("addressType") or "",
            _with_more(ports) or UNSET,
            _with_more(addresses) or UNSET,
            age(obj, now),
        ]


def _validate_endpoints(endpoints: Sequence[Object], sort: str) -> Errors:
    if len(endpoints) > _MAX_ENDPOINTS:
        yield too_many(Path("endpoints"), len(endpoints), _MAX_ENDPOINTS)
        return
    for index, endpoint in enumerate(endpoints):
        at = Path("endpoints").index(index)
        addresses = endpoint.get("addresses") or []
        if not addresses:
            yield required(at.child("addresses"), "must contain at least 1 address")
        elif len(addresses) > _MAX_ADDRESSES:
            yield too_many(at.child("addresses"), len(addresses), _MAX_ADDRESSES)
        for place, address in enumerate(addresses):
            yield from _validate_slice_address(address, sort, at.child("addresses").index(place))
        if endpoint.get("nodeName") is not None:
            yield from matches(endpoint["nodeName"], at.child("nodeName"), names.is_dns1123_subdomain)
        if endpoint.get("hostname") is not None:
            yield from dns_label(endpoint["hostname"], at.child("hostname"))
        yield from _validate_hints(endpoint.get("hints") or {}, at.child("hints"))
        if HOSTNAME in (endpoint.get("deprecatedTopology") or ()):
            detail = "may not be set, use nodeName instead"
            yield forbidden(at.child("deprecatedTopology").key(HOSTNAME), detail)


def _validate_hints(hints: Object, path: Path) -> Errors:
    for field, check in (("forZones", names.is_label_value), ("forNodes", names.is_dns1123_subdomain)):
        named = [each.get("name") or "" for each in hints.get(field) or ()]
        if len(named) > _MAX_HINTS:
            yield too_many(path.child(field), len(named), _MAX_HINTS)
            return
        for index, name, is_repeated in enumerate_repeats(named):
            at = path.child(field).index(index).child("name")
            if is_repeated:
                yield duplicate(at, name)
            yield from matches(name, at, check)


def _validate_slice_address(address: str, sort: str, path: Path) -> Errors:
    if sort == "FQDN":
        yield from matches(address, path, names.is_dns1123_subdomain)
    elif sort in ("IPv4", "IPv6"):
        wrong = list(valid_ip(address, path))
        if not wrong and (":" in address) != (sort == "IPv6"):
            wrong = [invalid(path, address, f"must be an {sort} address")]
        yield from wrong or non_special_ip(address, path)


def _validate_slice_ports(ports: Sequence[Object]) -> Errors:
    if len(ports) > _MAX_PORTS:
        yield too_many(Path("ports"), len(ports), _MAX_PORTS)
        return
    seen: set[str] = set()
    for index, port in enumerate(ports):
        at, name = Path("ports").index(index), port.get("name") or ""
        if name:
            yield from dns_label(name, at.child("name"))
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        yield from one_of(port.get("protocol"), at.child("protocol"), _PROTOCOLS)
        if port.get("appProtocol") is not None:
            yield from qualified_name(port["appProtocol"], at.child("appProtocol"))
