"""IPAddresses and ServiceCIDRs: the addresses of Services."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, invalid, required
from apimachinery.metadata import IMMUTABLE
from apimachinery.names import IP_MESSAGE
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import immutable, present, valid_cidr
from apiserver.registry.strategies.tables import NONE, age, columns
from apiserver.registry.strategy import NAME_COLUMN, Column, Strategy

_SPEC = Path("spec")


def _is_canonical_ip(name: str) -> list[str]:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return [IP_MESSAGE]
    return [] if str(address) == name else [f'must be in canonical form ("{address}")']


class IPAddressStrategy(Strategy):
    name_check = staticmethod(_is_canonical_ip)
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = (NAME_COLUMN, Column("ParentRef"))

    def validate(self, obj: Object) -> ErrorList:
        parent, at = get_path(obj, "spec.parentRef"), _SPEC.child("parentRef")
        return [required(at)] if parent is None else [*present(parent, at, "resource", "name")]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        now, before = get_path(new, "spec.parentRef"), get_path(old, "spec.parentRef")
        return [*self.validate(new), *immutable(now, before, _SPEC.child("parentRef"))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        parent = get_path(obj, "spec.parentRef") or {}
        group, namespace = parent.get("group"), parent.get("namespace")
        text = f"{parent.get('resource') or ''}.{group}" if group else parent.get("resource") or ""
        shown = "/".join(part for part in (text, namespace, parent.get("name")) if part)
        return [obj["metadata"]["name"], shown or NONE]


class ServiceCIDRStrategy(Strategy):
    tracks_generation = False
    status_resets = ("spec", "metadata")
    columns: Sequence[Column] = columns("CIDRs")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        return [*_cidrs(get_path(obj, "spec.cidrs", []))]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_cidr_changes(get_path(new, "spec.cidrs", []), get_path(old, "spec.cidrs", []))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], ",".join(get_path(obj, "spec.cidrs", [])) or NONE, age(obj, now)]


def _cidrs(cidrs: Sequence[str]) -> Errors:
    at = _SPEC.child("cidrs")
    if not cidrs:
        yield required(at, "at least one CIDR required")
    if len(cidrs) > 2:
        yield invalid(at, cidrs, "may only hold up to 2 values")
    for index, cidr in enumerate(cidrs):
        yield from valid_cidr(cidr, at.index(index))


def _cidr_changes(new: Sequence[str], old: Sequence[str]) -> Errors:
    """A second range may be added, and nothing else."""
    at = _SPEC.child("cidrs")
    grows = (len(old), len(new)) == (1, 2)
    if len(old) != len(new) and not grows:
        yield invalid(at, new, IMMUTABLE)
        return
    for index, before in enumerate(old):
        if new[index] != before:
            yield invalid(at.index(index), new[index], IMMUTABLE)
    if grows:
        yield from _cidrs(new)
