"""Deployments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, annotations_of
from apiserver.registry.strategies.checks import non_negative, non_negative_fields
from apiserver.registry.strategies.podspec.defaults import default_template, fill, fill_absent
from apiserver.registry.strategies.tables import WIDE_TEMPLATE, age, columns, template_cells
from apiserver.registry.strategies.warnings.pods import workload_warnings
from apiserver.registry.strategies.workloads import (
    SPEC,
    at_most_all,
    collisions_only_grow,
    int_or_percent,
    is_zero,
    keeps_selector,
    validate_counts,
    validate_selected_template,
    validate_selector,
)
from apiserver.registry.strategy import Column, Strategy


class DeploymentStrategy(Strategy):
    status_resets = ("spec", "metadata.labels")
    columns: Sequence[Column] = columns("Ready", "Up-to-date", "Available", wide=WIDE_TEMPLATE)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill_absent(spec, {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600})
        strategy = spec.setdefault("strategy", {})
        fill(strategy, {"type": "RollingUpdate"})
        if strategy["type"] == "RollingUpdate":
            fill_absent(strategy, {"rollingUpdate": {}})
            fill_absent(strategy["rollingUpdate"], {"maxUnavailable": "25%", "maxSurge": "25%"})
        default_template(spec.setdefault("template", {}))

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def prepare_for_update(self, new: Object, old: Object) -> None:
        """A change of annotations counts as a new generation, too: the controller copies them."""
        if annotations_of(new) != annotations_of(old):
            new["metadata"]["generation"] = (old["metadata"].get("generation") or 0) + 1

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *keeps_selector(new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        status, before = new.get("status") or {}, old.get("status") or {}
        return [
            *validate_counts(status, "updatedReplicas", "readyReplicas", "availableReplicas"),
            *collisions_only_grow(status, before),
        ]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [*workload_warnings(obj, old)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec, status = obj["spec"], obj.get("status") or {}
        return [
            obj["metadata"]["name"],
            f"{status.get('readyReplicas') or 0}/{spec.get('replicas') or 0}",
            status.get("updatedReplicas") or 0,
            status.get("availableReplicas") or 0,
            age(obj, now),
            *template_cells(spec),
        ]


def _validate_spec(spec: Object) -> Errors:
    yield from non_negative(spec.get("replicas"), SPEC.child("replicas"))
    yield from validate_selector(spec, "deployment")
    yield from validate_selected_template(spec, "ReplicaSet")
    yield from _validate_strategy(spec.get("strategy") or {})
    yield from non_negative_fields(spec, SPEC, "minReadySeconds", "revisionHistoryLimit")
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        at = SPEC.child("progressDeadlineSeconds")
        yield from non_negative(deadline, at)
        if deadline <= (spec.get("minReadySeconds") or 0):
            yield invalid(at, deadline, "must be greater than minReadySeconds")


def _validate_strategy(strategy: Object) -> Errors:
    at, rolling = SPEC.child("strategy"), strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate":
        if rolling is not None:
            detail = "may not be specified when strategy `type` is 'Recreate'"
            yield forbidden(at.child("rollingUpdate"), detail)
    elif strategy.get("type") != "RollingUpdate":
        yield not_supported(at, strategy, ("Recreate", "RollingUpdate"))
    elif rolling is None:
        yield required(at.child("rollingUpdate"), "this should be defaulted and never be nil")
    else:
        yield from _validate_rolling_update(rolling)


def _validate_rolling_update(rolling: Object) -> Errors:
    at = SPEC.child("strategy", "rollingUpdate")
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from int_or_percent(unavailable, at.child("maxUnavailable"))
    yield from int_or_percent(surge, at.child("maxSurge"))
    if is_zero(unavailable) and is_zero(surge):
        yield invalid(at.child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0")
    yield from at_most_all(unavailable, at.child("maxUnavailable"))
