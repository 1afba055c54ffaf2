"""DaemonSets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, invalid, not_supported, required
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object, annotations_of, get_path
from apiserver.registry.strategies.checks import non_negative_fields, same
from apiserver.registry.strategies.podspec.defaults import default_template, fill, fill_absent
from apiserver.registry.strategies.tables import (
    WIDE_TEMPLATE,
    age,
    columns,
    integers,
    labels_text,
    template_cells,
)
from apiserver.registry.strategies.warnings.pods import template_warnings
from apiserver.registry.strategies.workloads import (
    SPEC,
    STATUS,
    at_most_all,
    collisions_only_grow,
    int_or_percent,
    is_usable,
    is_zero,
    keeps_selector,
    matches_template,
    validate_running_template,
)
from apiserver.registry.strategy import Column, Strategy

_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_COUNTS = (
    "desiredNumberScheduled",
    "currentNumberScheduled",
    "numberReady",
    "updatedNumberScheduled",
    "numberAvailable",
)


class DaemonSetStrategy(Strategy):
    columns: Sequence[Column] = columns(
        *integers("Desired", "Current", "Ready", "Up-to-date", "Available"),
        "Node Selector",
        wide=WIDE_TEMPLATE,
    )

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill_absent(spec, {"revisionHistoryLimit": 10, "updateStrategy": {}})
        fill(spec["updateStrategy"], {"type": "RollingUpdate"})
        if spec["updateStrategy"]["type"] == "RollingUpdate":
            fill_absent(spec["updateStrategy"], {"rollingUpdate": {}})
            fill_absent(spec["updateStrategy"]["rollingUpdate"], {"maxUnavailable": 1, "maxSurge": 0})
        default_template(spec.setdefault("template", {}))
        if _TEMPLATE_GENERATION not in annotations_of(obj):
            _set_template_generation(obj, 0)

    def prepare_for_create(self, obj: Object) -> None:
        _set_template_generation(obj, 1)
        obj["status"] = dict.fromkeys(
            ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady"), 0
        )

    def prepare_for_update(self, new: Object, old: Object) -> None:
        before = annotations_of(old).get(_TEMPLATE_GENERATION) or "0"
        changed = not same(new["spec"].get("template"), old["spec"].get("template"))
        _set_template_generation(new, (int(before) if before.isdigit() else 0) + changed)

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *keeps_selector(new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        status, before = new.get("status") or {}, old.get("status") or {}
        fields = (*_COUNTS, "numberMisscheduled", "numberUnavailable", "observedGeneration")
        return [*non_negative_fields(status, STATUS, *fields), *collisions_only_grow(status, before)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        if old is not None and obj["spec"].get("template") == old["spec"].get("template"):
            return []
        return [*template_warnings("spec.template", obj["spec"].get("template"))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        status = obj.get("status") or {}
        return [
            obj["metadata"]["name"],
            *(status.get(field) or 0 for field in _COUNTS),
            labels_text(get_path(obj, "spec.template.spec.nodeSelector")),
            age(obj, now),
            *template_cells(obj["spec"]),
        ]


def _set_template_generation(daemon_set: Object, generation: int) -> None:
    """The field of that name is gone from apps/v1; its value lives on in an annotation."""
    annotations = {**annotations_of(daemon_set), _TEMPLATE_GENERATION: str(generation)}
    daemon_set["metadata"]["annotations"] = annotations


def _validate_spec(spec: Object) -> Errors:
    selector, at = spec.get("selector"), SPEC.child("selector")
    yield from validate_label_selector(selector, at)
    if is_usable(selector):
        yield from matches_template(spec)
    if selector is not None and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid(at, selector, "empty selector is invalid for daemonset")
    yield from validate_running_template(spec.get("template") or {}, "DaemonSet")
    yield from non_negative_fields(spec, SPEC, "minReadySeconds")
    yield from _validate_strategy(spec.get("updateStrategy") or {})
    yield from non_negative_fields(spec, SPEC, "revisionHistoryLimit")


def _validate_strategy(strategy: Object) -> Errors:
    at, rolling = SPEC.child("updateStrategy"), strategy.get("rollingUpdate")
    if strategy.get("type") == "OnDelete":
        return
    if strategy.get("type") != "RollingUpdate":
        yield not_supported(at, strategy, ("RollingUpdate", "OnDelete"))
    elif rolling is None:
        yield required(at.child("rollingUpdate"))
    else:
        yield from _validate_rolling_update(rolling)


def _validate_rolling_update(rolling: Object) -> Errors:
    at = SPEC.child("updateStrategy", "rollingUpdate")
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    for field in ("maxUnavailable", "maxSurge"):
        yield from int_or_percent(rolling.get(field), at.child(field))
        yield from at_most_all(rolling.get(field), at.child(field))
    if not is_zero(unavailable) and not is_zero(surge):
        yield invalid(at.child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero")
    elif is_zero(unavailable) and is_zero(surge):
        yield required(at.child("maxUnavailable"), "cannot be 0 when maxSurge is 0")
