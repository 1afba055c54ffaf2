"""PriorityClasses and RuntimeClasses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, forbidden
from apimachinery.metadata import validate_labels
from apimachinery.objects import Object, get_path, name_of
from apiserver.registry.strategies.checks import dns_label, immutable, one_of, same
from apiserver.registry.strategies.podspec.defaults import canonical_amounts, fill_absent
from apiserver.registry.strategies.podspec.resources import validate_requirements
from apiserver.registry.strategies.podspec.scheduling import validate_tolerations
from apiserver.registry.strategies.podspec.spec import PREEMPTION_POLICIES
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategies.warnings.nodes import old_labels
from apiserver.registry.strategy import AGE_COLUMN, NAME_COLUMN, Column, Strategy

_HIGHEST = 1_000_000_000
_SYSTEM = {"system-node-critical": 2_000_001_000, "system-cluster-critical": 2_000_000_000}
_RESERVED = "priority class names with 'system-' prefix are reserved for system use only. error: "


class PriorityClassStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = (
        NAME_COLUMN,
        Column("Value", "integer"),
        Column("Global-Default", "boolean"),
        AGE_COLUMN,
        Column("PreemptionPolicy"),
    )

    def default(self, obj: Object) -> None:
        fill_absent(obj, {"preemptionPolicy": "PreemptLowerPriority", "value": 0})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_priority(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        errors: ErrorList = []
        if not same(new.get("value"), old.get("value")):
            errors.append(forbidden(Path("value"), "may not be changed in an update."))
        at = Path("preemptionPolicy")
        return [*errors, *immutable(new.get("preemptionPolicy"), old.get("preemptionPolicy"), at)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [
            obj["metadata"]["name"],
            obj.get("value") or 0,
            bool(obj.get("globalDefault")),
            age(obj, now),
            obj.get("preemptionPolicy") or "",
        ]


def _validate_priority(priority: Object) -> Errors:
    name, value = name_of(priority), priority.get("value") or 0
    if name.startswith("system-"):
        if name not in _SYSTEM:
            yield forbidden(
                Path("metadata", "name"), f"{_RESERVED}{name} is not a known system priority class"
            )
        elif value != _SYSTEM[name]:
            detail = f"{_RESERVED}value of {name} PriorityClass must be {_SYSTEM[name]}"
            yield forbidden(Path("metadata", "name"), detail)
    elif value > _HIGHEST:
        detail = f"maximum allowed value of a user defined priority is {_HIGHEST}"
        yield forbidden(Path("value"), detail)
    at = Path("preemptionPolicy")
    yield from one_of(priority.get("preemptionPolicy"), at, PREEMPTION_POLICIES, optional=True)


class RuntimeClassStrategy(Strategy):
    has_status = False
    allow_create_on_update = True
    allow_unconditional_update = False
    tracks_generation = False
    columns: Sequence[Column] = columns("Handler")

    def default(self, obj: Object) -> None:
        canonical_amounts(obj.get("overhead"), "podFixed")

    def validate(self, obj: Object) -> ErrorList:
        errors = list(dns_label(obj.get("handler") or "", Path("handler")))
        if obj.get("overhead") is not None:
            limits = {"limits": obj["overhead"].get("podFixed") or {}}
            errors += validate_requirements(limits, Path("overhead", "podFixed"))
        scheduling, at = obj.get("scheduling") or {}, Path("scheduling")
        errors += validate_labels(scheduling.get("nodeSelector") or {}, at.child("nodeSelector"))
        errors += validate_tolerations(
            scheduling.get("tolerations") or (),
            at.child("tolerations", "tolerations"),  # once too often, as upstream has it
        )
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*self.validate(new), *immutable(new.get("handler"), old.get("handler"), Path("handler"))]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        labels = get_path(obj, "scheduling.nodeSelector")
        return [f"scheduling.nodeSelector: {text}" for _, text in old_labels(labels)]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [obj["metadata"]["name"], obj.get("handler") or "", age(obj, now)]
