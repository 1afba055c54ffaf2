"""NetworkPolicies."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import matches, port_number, valid_cidr
from apiserver.registry.strategies.podspec.defaults import fill
from apiserver.registry.strategies.tables import age, columns, selector_text
from apiserver.registry.strategies.warnings.addresses import cidr_warnings
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_PROTOCOLS = ("TCP", "UDP", "SCTP")
_TYPES = ("Ingress", "Egress")


class NetworkPolicyStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = columns("Pod-Selector")

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        spec.setdefault("podSelector", {})
        for field in ("ingress", "egress"):
            for rule in spec.get(field) or ():
                for port in rule.get("ports") or ():
                    fill(port, {"protocol": "TCP"})
        if not spec.get("policyTypes"):
            spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return 2 * self.validate(new)  # upstream tells everything twice here

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [
            text
            for field, peers in (("ingress", "from"), ("egress", "to"))
            for index, rule in enumerate(obj["spec"].get(field) or ())
            for place, peer in enumerate(rule.get(peers) or ())
            for text in _block_warnings(
                f"spec.{field}[{index}].{peers}[{place}].ipBlock", peer.get("ipBlock")
            )
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        selector = selector_text(get_path(obj, "spec.podSelector"))
        return [obj["metadata"]["name"], selector, age(obj, now)]


def _block_warnings(path: str, block: Object | None) -> Iterator[str]:
    if block:
        yield from cidr_warnings(f"{path}.cidr", block.get("cidr") or "")
        for index, part in enumerate(block.get("except") or ()):
            yield from cidr_warnings(f"{path}.except[{index}]", part)


def _validate_spec(spec: Object) -> Errors:
    yield from validate_label_selector(spec.get("podSelector") or {}, _SPEC.child("podSelector"))
    for field, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(field) or ()):
            at = _SPEC.child(field).index(index)
            for place, port in enumerate(rule.get("ports") or ()):
                yield from _port(port, at.child("ports").index(place))
            for place, peer in enumerate(rule.get(peers) or ()):
                yield from _peer(peer, at.child(peers).index(place))
    types, at = spec.get("policyTypes") or [], _SPEC.child("policyTypes")
    if len(types) > len(_TYPES):
        yield invalid(at, types, "may not specify more than two policyTypes")
        return
    for index, sort in enumerate(types):
        if sort not in _TYPES:
            yield not_supported(at.index(index), sort, _TYPES)


def _port(port: Object, path: Path) -> Errors:
    number, end = port.get("port"), port.get("endPort")
    if port.get("protocol") is not None and port["protocol"] not in _PROTOCOLS:
        yield not_supported(path.child("protocol"), port["protocol"], _PROTOCOLS)
    if number is None:
        if end is not None:
            yield invalid(path.child("endPort"), end, "may not be specified when `port` is not specified")
    elif isinstance(number, str):
        if end is not None:
            yield invalid(path.child("endPort"), end, "may not be specified when `port` is non-numeric")
        yield from matches(number, path.child("port"), names.is_port_name)
    else:
        yield from port_number(number, path.child("port"))
        if end is not None:
            if end < number:
                yield invalid(path.child("endPort"), number, "must be greater than or equal to `port`")
            yield from port_number(end, path.child("endPort"))


def _peer(peer: Object, path: Path) -> Errors:
    given = 0
    for field in ("podSelector", "namespaceSelector"):
        if peer.get(field) is not None:
            given += 1
            yield from validate_label_selector(peer[field], path.child(field))
    block = peer.get("ipBlock")
    if block is not None:
        yield from _ip_block(block, path.child("ipBlock"))
        if given:
            yield forbidden(path, "may not specify both ipBlock and another peer")
    elif not given:
        yield required(path, "must specify a peer")


def _ip_block(block: Object, path: Path) -> Errors:
    cidr = block.get("cidr") or ""
    if not cidr:
        yield required(path.child("cidr"))
        return
    wrong = list(valid_cidr(cidr, path.child("cidr")))
    yield from wrong
    if wrong:
        return
    for index, part in enumerate(block.get("except") or ()):
        at = path.child("except").index(index)
        unreadable = list(valid_cidr(part, at))
        yield from unreadable
        if not unreadable and not _is_strict_subset(part, cidr):
            yield invalid(at, part, "must be a strict subset of `cidr`")


def _is_strict_subset(part: str, whole: str) -> bool:
    inner, outer = (ipaddress.ip_network(each, strict=False) for each in (part, whole))
    return (
        inner.version == outer.version
        and inner.prefixlen > outer.prefixlen
        and inner.network_address in outer
    )
