"""The strategy of a custom resource, made from one version of its definition.

Source: pkg/registry/customresource/{strategy,status_strategy,validator}.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.errors import MethodNotAllowedError, StatusError
from apimachinery.field import (
    INVALID,
    NOT_SUPPORTED,
    REQUIRED,
    TOO_LONG,
    TOO_MANY,
    TYPE_INVALID,
    ErrorList,
    FieldError,
    Path,
    invalid,
)
from apimachinery.go_values import go_text, go_type
from apimachinery.jsonpath import JsonPath, format_result
from apimachinery.objects import Object, get_path
from apimachinery.scheme import Resource
from apiserver.customresources.columns import Columns
from apiserver.customresources.rules.validating import RuleValidator
from apiserver.customresources.schema.correlation import UNRELATED
from apiserver.customresources.schema.defaulting import apply_defaults
from apiserver.customresources.schema.embedded import validate_embedded
from apiserver.customresources.schema.listtype import validate_lists
from apiserver.customresources.schema.structural import Structural
from apiserver.customresources.schema.values import ValueValidator
from apiserver.registry.rules import LEGACY_FINALIZERS
from apiserver.registry.strategy import Column, Rollback, Strategy, WriteContext, nothing_to_undo

_BLOCKING = {NOT_SUPPORTED, REQUIRED, TOO_LONG, TOO_MANY, TYPE_INVALID}
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
_EXPECTED: Mapping[type, str] = {int: "int64", str: "string"}
_MAX_REPLICAS = 2**31 - 1


class CustomResourceStrategy(Strategy):
    unselectable = "field label not supported: {}"
    allow_unconditional_update = False
    demands_qualified_finalizers = False
    is_ending = False
    """Whether the definition is: there will be no new objects."""

    def __init__(self, resource: Resource, version: Object, schema: Structural, deprecation: str) -> None:
        """`version` is one of spec.versions, `schema` its schema, `deprecation` what its users are told."""
        self.deprecation = deprecation
        self.has_status = "status" in resource.subresources
        self._resource = resource
        self._schema = schema
        self._values = ValueValidator(schema.raw)
        self._rules = RuleValidator(schema, is_resource=True) if schema.has_rules else None
        self._status_values = ValueValidator(get_path(schema.raw, "properties.status", {}))
        self._scale: Object | None = get_path(version, "subresources.scale")
        if self._scale is not None:
            self.replicas_path = steps(self._scale["specReplicasPath"])
            self.status_replicas_path = steps(self._scale["statusReplicasPath"])
        self._columns = Columns(version.get("additionalPrinterColumns") or ())
        self.columns: Sequence[Column] = self._columns.columns
        self._selectable = selectable_paths(version)

    def default(self, obj: Object) -> None:
        apply_defaults(obj, self._schema)

    async def begin_create(self, ctx: WriteContext, obj: Object) -> Rollback:
        if self.is_ending:
            raise MethodNotAllowedError(
                message="create not allowed while custom resource definition is terminating"
            )
        return nothing_to_undo

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """Unlike that of built-in kinds, it changes nothing in the metadata."""
        kept = {key: value for key, value in new["metadata"].items() if key == "managedFields"}
        new["metadata"] = old["metadata"] | kept

    def validate(self, obj: Object) -> ErrorList:
        if errors := self._kind_errors(obj):
            return errors
        errors = [
            *self._values.validate(obj),
            *self._scale_errors(obj),
            *validate_embedded(obj, self._schema),
            *validate_lists(obj, self._schema),
        ]
        return [*errors, *self._rule_errors(errors, obj, UNRELATED)]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        if errors := self._kind_errors(new):
            return errors
        errors = [
            *self._values.validate(new, old),
            *self._scale_errors(new),
            *validate_embedded(new, self._schema),
            *self._list_errors(new, old),
        ]
        return [*errors, *self._rule_errors(errors, new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        errors: ErrorList = []
        if "status" in new:
            before = old.get("status", UNRELATED)
            errors += self._status_values.validate(new["status"], before, "status")
        errors += [*self._scale_errors(new, status_only=True), *self._list_errors(new, old)]
        return [*errors, *self._rule_errors(errors, new, old)]

    def _rule_errors(self, found: ErrorList, obj: Object, old: Any) -> ErrorList:
        """Rules are not asked about what is not of the right form."""
        if self._rules is None:
            return []
        if any(each.type in _BLOCKING for each in found):
            return [FieldError(INVALID, "<nil>", None, _UNCHECKED)]
        return self._rules.validate(obj, old)

    def _kind_errors(self, obj: Object) -> ErrorList:
        kind, wanted = obj.get("kind"), self._resource.kind
        return [] if kind == wanted else [invalid(Path("kind"), kind, f"must be {wanted}")]

    def _list_errors(self, new: Object, old: Object) -> Iterable[FieldError]:
        """What was not unique before need not be now."""
        errors = [*validate_lists(new, self._schema)]
        return errors if errors and not any(validate_lists(old, self._schema)) else []

    def _scale_errors(self, obj: Object, *, status_only: bool = False) -> Iterable[FieldError]:
        if self._scale is None:
            return
        paths = [self._scale["statusReplicasPath"]]
        for path in paths if status_only else [self._scale["specReplicasPath"], *paths]:
            if problem := accessor_problem(obj, path, int):
                yield invalid(Path(path), 0, problem)
            elif (value := get_path(obj, steps(path), 0)) < 0:
                yield invalid(Path(path), value, "should be a non-negative integer")
            elif value > _MAX_REPLICAS:
                yield invalid(Path(path), value, f"should be less than or equal to {_MAX_REPLICAS}")
        selector = self._scale.get("labelSelectorPath")
        if selector and (problem := accessor_problem(obj, selector, str)):
            yield invalid(Path(selector), "", problem)

    def replicas(self, obj: Object) -> int | None:
        """Raises StatusError where a value is stored that no scale can have."""
        scale = self._scale or {}
        kinds = {"specReplicasPath": int, "statusReplicasPath": int, "labelSelectorPath": str}
        for name, kind in kinds.items():
            if (path := scale.get(name)) and (problem := accessor_problem(obj, path, kind)):
                raise StatusError(problem, code=500)
        return super().replicas(obj)

    def scale_selector(self, obj: Object) -> str:
        path = (self._scale or {}).get("labelSelectorPath")
        selector: str = get_path(obj, steps(path), "") if path else ""
        return selector

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        known = (old or {}).get("metadata", {}).get("finalizers") or ()
        added = sorted(set(obj["metadata"].get("finalizers") or ()) - set(known))
        tolerated = self.status_warnings(obj, old) if old is not None else []
        return [*tolerated, *(text for each in added for text in _finalizer_warnings(each))]

    def status_warnings(self, obj: Object, old: Object) -> list[str]:
        """What is broken where nothing changed."""
        return [str(each) for each in self._rules.tolerated(obj, old)] if self._rules is not None else []

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {name: field_text(path, obj) for name, path in self._selectable.items()}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return self._columns.cells(obj, now)


def steps(json_path: str) -> list[str]:
    """`.spec.replicas` as the names of its fields."""
    return json_path.removeprefix(".").split(".")


def accessor_problem(obj: Object, json_path: str, wanted: type) -> str:
    """Why what is at the path is of another type, or cannot be there at all; "" where nothing is."""
    value: Any = obj
    names = steps(json_path)
    for index, name in enumerate(names):
        if value is None:
            return ""
        if not isinstance(value, dict):
            return _accessor_error(names[: index + 1], value, "map[string]interface{}")
        if name not in value:
            return ""
        value = value[name]
    return "" if type(value) is wanted else _accessor_error(names, value, _EXPECTED[wanted])


def _accessor_error(names: Sequence[str], value: Any, expected: str) -> str:
    is_of = "<nil>" if value is None else go_type(value)
    return f".{'.'.join(names)} accessor error: {go_text(value)} is of the type {is_of}, expected {expected}"


def selectable_paths(version: Object) -> dict[str, JsonPath]:
    """What a field selector may name, by its name there: `spec.color`."""
    paths = [each["jsonPath"] for each in version.get("selectableFields") or ()]
    return {path.removeprefix("."): JsonPath(f"{{{path}}}") for path in paths}


def field_text(path: JsonPath, obj: Object) -> str:
    """The value at a selectable path as selectors compare it; empty if there is none."""
    found = path.find(obj)
    return format_result(found[0]) if found else ""


def _finalizer_warnings(name: str) -> Iterable[str]:
    start = f'metadata.finalizers: "{name}": '
    yield from (start + text for text in names.is_qualified_name(name))
    if "/" not in name and name not in LEGACY_FINALIZERS:
        path = " including a path (/)" if "." in name else ""
        yield (
            f"{start}prefer a domain-qualified finalizer name{path} "
            "to avoid accidental conflicts with other finalizer writers"
        )
