"""Leases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, invalid
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import non_negative, one_of
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")


class LeaseStrategy(Strategy):
    has_status = False
    tracks_generation = False
    allow_create_on_update = True
    allow_unconditional_update = False
    columns: Sequence[Column] = columns("Holder")

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj.get("spec") or {}))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], get_path(obj, "spec.holderIdentity", ""), age(obj, now)]


def _validate_spec(spec: Object) -> Errors:
    seconds = spec.get("leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        yield invalid(_SPEC.child("leaseDurationSeconds"), seconds, "must be greater than 0")
    yield from non_negative(spec.get("leaseTransitions"), _SPEC.child("leaseTransitions"))
    at = _SPEC.child("strategy")
    yield from one_of(spec.get("strategy"), at, ("OldestEmulationVersion",), optional=True)
