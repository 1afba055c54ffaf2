"""StorageClasses and VolumeAttributesClasses: how storage is had."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, required, too_long
from apimachinery.objects import Object, annotations_of
from apimachinery.volumes import is_default_class
from apiserver.registry.strategies.checks import enumerate_repeats, immutable, one_of, qualified_name, same
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.tables import age, columns
from apiserver.registry.strategies.warnings.nodes import old_label
from apiserver.registry.strategy import Column, Strategy

_DEFAULT_ATTRIBUTES_CLASS = "volumeattributesclass.alpha.kubernetes.io/is-default-class"


class StorageClassStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns(
        "Provisioner", "ReclaimPolicy", "VolumeBindingMode", "AllowVolumeExpansion"
    )

    def default(self, obj: Object) -> None:
        fill_absent(obj, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_class(obj))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        mode = "volumeBindingMode"
        return [
            *self.validate(new),
            *_frozen(new, old, "parameters", "provisioner", "reclaimPolicy"),
            *immutable(new.get(mode), old.get(mode), Path(mode)),
        ]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return [
            f"allowedTopologies[{index}].matchLabelExpressions[{place}].key: {text}"
            for index, term in enumerate(obj.get("allowedTopologies") or ())
            for place, expression in enumerate(term.get("matchLabelExpressions") or ())
            if (text := old_label(expression.get("key") or ""))
        ]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        name = obj["metadata"]["name"]
        if is_default_class(obj):
            name += " (default)"
        return [
            name,
            obj.get("provisioner") or "",
            obj.get("reclaimPolicy") or "Delete",
            obj.get("volumeBindingMode") or "Immediate",
            bool(obj.get("allowVolumeExpansion")),
            age(obj, now),
        ]


def _validate_class(obj: Object) -> Errors:
    yield from _provisioner(obj.get("provisioner") or "", Path("provisioner"))
    yield from _parameters(obj.get("parameters") or {})
    at = Path("reclaimPolicy")
    yield from one_of(obj.get("reclaimPolicy"), at, ("Delete", "Retain"), optional=True)
    modes, at = ("Immediate", "WaitForFirstConsumer"), Path("volumeBindingMode")
    yield from one_of(obj.get("volumeBindingMode"), at, modes)
    terms = obj.get("allowedTopologies") or ()
    for index, _, is_repeated in enumerate_repeats(map(_meaning, terms)):
        at = Path("allowedTopologies").index(index)
        yield from _topology_term(terms[index], at)
        if is_repeated:
            yield duplicate(at.child("matchLabelExpressions"), "")


def _meaning(term: Object) -> frozenset[tuple[str, frozenset[str]]]:
    """What two terms that only look different have in common."""
    expressions = term.get("matchLabelExpressions") or ()
    values = {each.get("key") or "": frozenset(each.get("values") or ()) for each in expressions}
    return frozenset(values.items())


def _parameters(parameters: Object) -> Errors:
    at = Path("parameters")
    if len(parameters) > 512:
        yield too_long(at, parameters, 512)
    yield from (invalid(at, each, "field can not be empty.") for each in parameters if not each)


def _provisioner(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
    else:
        yield from qualified_name(name.lower(), path)


def _topology_term(term: Object, path: Path) -> Errors:
    seen: set[str] = set()
    for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
        at = path.child("matchLabelExpressions").index(index)
        key, values = expression.get("key") or "", expression.get("values") or []
        if not values:
            yield required(at.child("values"))
        for place, value, is_repeated in enumerate_repeats(values):
            if is_repeated:
                yield duplicate(at.child("values").index(place), value)
        yield from qualified_name(key, at.child("key"))
        if key in seen:
            yield duplicate(at.child("key"), key)
        seen.add(key)


class VolumeAttributesClassStrategy(Strategy):
    has_status = False
    tracks_generation = False
    columns: Sequence[Column] = columns("DriverName")

    def validate(self, obj: Object) -> ErrorList:
        errors = [*_provisioner(obj.get("driverName") or "", Path("driverName"))]
        if not obj.get("parameters"):
            errors.append(required(Path("parameters"), "must contain at least one key/value pair"))
        return [*errors, *_parameters(obj.get("parameters") or {})]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        changed = _frozen(new, old, "driverName", "parameters")
        return [*self.validate(new), *changed, *self.validate(new)]  # upstream tells it twice

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        name = obj["metadata"]["name"]
        if annotations_of(obj).get(_DEFAULT_ATTRIBUTES_CLASS) == "true":
            name += " (default)"
        return [name, obj.get("driverName") or "", age(obj, now)]


def _frozen(new: Object, old: Object, *fields: str) -> Errors:
    for field in fields:
        if not same(new.get(field), old.get(field)):
            yield forbidden(Path(field), f"updates to {field} are forbidden.")
