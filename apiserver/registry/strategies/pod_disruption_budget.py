"""PodDisruptionBudgets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, invalid
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object, get_path
from apiserver.registry.strategies.checks import one_of
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategies.workloads import SPEC, at_most_all, int_or_percent
from apiserver.registry.strategy import Column, Strategy


class PodDisruptionBudgetStrategy(Strategy):
    allow_unconditional_update = False
    columns: Sequence[Column] = columns(
        "Min Available", "Max Unavailable", Column("Allowed Disruptions", "integer")
    )

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = dict.fromkeys(
            ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0
        )

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_budget(obj.get("spec") or {}))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        bounds = (spec.get(field) for field in ("minAvailable", "maxUnavailable"))
        return [
            obj["metadata"]["name"],
            *("N/A" if bound is None else str(bound) for bound in bounds),
            get_path(obj, "status.disruptionsAllowed", 0),
            age(obj, now),
        ]


def _validate_budget(spec: Object) -> Errors:
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        yield invalid(SPEC, spec, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if spec.get(field) is not None:
            yield from int_or_percent(spec[field], SPEC.child(field))
            yield from at_most_all(spec[field], SPEC.child(field))
    if spec.get("selector") is not None:
        yield from validate_label_selector(spec["selector"], SPEC.child("selector"))
    policies = ("AlwaysAllow", "IfHealthyBudget")
    at = SPEC.child("unhealthyPodEvictionPolicy")
    yield from one_of(spec.get("unhealthyPodEvictionPolicy"), at, policies, optional=True)
