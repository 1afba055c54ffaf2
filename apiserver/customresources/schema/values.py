"""Validation of values against the value rules of a schema, in the words of upstream's validator.

On an update, what is wrong but has not changed is let pass (ratcheting).
Source: k8s.io/kube-openapi/pkg/validation, and pkg/apiserver/validation of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from apimachinery.field import (
    INVALID,
    NOT_SUPPORTED,
    OMITTED,
    REQUIRED,
    TOO_LONG,
    TOO_MANY,
    TYPE_INVALID,
    ErrorList,
    FieldError,
    format_float,
)
from apimachinery.numbers import MAX_SAFE
from apimachinery.objects import Object
from apiserver.customresources.schema.correlation import UNRELATED, related_field, related_item
from apiserver.customresources.schema.formats import checker_of
from apiserver.patterns import compile_pattern

_TYPES: dict[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object",
}  # fmt: skip

_FORMATS = {"integer": "int64", "number": "double"}
"""What upstream calls the format of a value whose type is not that of its schema."""
Check = Callable[[Any, str], "list[FieldError]"]


class Findings:
    """Errors, and how many checks were made: of several alternatives the one with the most is shown."""

    __slots__ = ("checks", "errors")

    def __init__(self) -> None:
        self.errors: ErrorList = []
        self.checks = 0

    def merge(self, other: Findings) -> None:
        self.errors += other.errors
        self.checks += other.checks


class ValueValidator:
    """A compiled schema; `validate` is called with any JSON value."""

    def __init__(self, raw: Object) -> None:
        self._raw = raw
        self._types = ("integer", "string") if raw.get("x-kubernetes-int-or-string") else _types(raw)
        self._nullable = bool(raw.get("nullable"))
        self._enum: list[Any] = raw.get("enum") or []
        self._strings = _string_checks(raw)
        self._numbers = _number_checks(raw)
        self._format: str = raw.get("format") or ""
        self._properties = {
            name: ValueValidator(each) for name, each in (raw.get("properties") or {}).items()
        }
        values, items = raw.get("additionalProperties"), raw.get("items")
        self._values = ValueValidator(values) if isinstance(values, dict) else None
        self._items = ValueValidator(items) if isinstance(items, dict) else None
        self._all, self._any, self._one = (
            [ValueValidator(each) for each in raw.get(word) or ()] for word in ("allOf", "anyOf", "oneOf")
        )
        self._not = ValueValidator(raw["not"]) if raw.get("not") else None
        self._has_logic = bool(self._all or self._any or self._one or self._not)

    def validate(self, value: Any, old: Any = UNRELATED, base: str = "") -> ErrorList:
        """Every error; `base` is where the value stands, which messages do not repeat."""
        errors = self._run(value, old, "").errors
        placed = [
            FieldError(each.type, _join(base, each.path) or "<nil>", each.bad_value, each.detail)
            for each in errors
        ]
        return [*{str(each): each for each in placed}.values()]

    def _run(self, value: Any, old: Any, path: str) -> Findings:
        found = Findings()
        if value is None:
            if self._types and not self._nullable:
                found.errors.append(_wrong_type(path, ",".join(self._types), "null"))
            self._check_enum(value, path, found)
            return found
        self._check_type(value, path, found)
        if self._has_logic:
            self._check_logic(value, path, found)
        kind = type(value)
        if kind is str:
            found.errors += self._first(self._strings, value, path)
        elif kind is int or kind is float:
            for check in self._numbers:
                found.errors += check(value, path)
        elif kind is list:
            self._check_list(value, old, path, found)
        elif kind is dict:
            self._check_object(value, old, path, found)
        self._check_enum(value, path, found)
        found.checks += 4
        if found.errors and old is not UNRELATED and value == old:
            found.errors = []
        return found

    @staticmethod
    def _first(checks: Sequence[Check], value: Any, path: str) -> ErrorList:
        return next((errors for check in checks if (errors := check(value, path))), [])

    def _check_type(self, value: Any, path: str, found: Findings) -> None:
        if not self._types:
            return
        found.checks += 1
        kind = _TYPES[type(value)]
        is_whole = kind == "number" and "integer" in self._types and _is_whole(value)
        if self._format and kind in ("string", "array"):
            if not {"number", "integer"} & set(self._types):
                return  # upstream leaves it to the format, which looks at strings only
        elif self._format and kind not in self._types and not is_whole:
            if not (kind == "integer" and "number" in self._types):
                found.errors.append(_wrong_type(path, self._format, _FORMATS.get(kind, "")))
            return
        if kind not in self._types and not is_whole and not (kind == "integer" and "number" in self._types):
            found.errors.append(_wrong_type(path, ",".join(self._types), kind))

    def _check_enum(self, value: Any, path: str, found: Findings) -> None:
        if self._enum and not any(_same(value, each) for each in self._enum):
            listed = ", ".join(f'"{_enum_text(each)}"' for each in self._enum)
            found.errors.append(FieldError(NOT_SUPPORTED, path, value, f"supported values: {listed}"))

    def _check_list(self, value: list[Any], old: Any, path: str, found: Findings) -> None:
        if self._items is not None:
            for index, each in enumerate(value):
                before = related_item(self._raw, value, old, index)
                found.merge(self._items._run(each, before, f"{path}[{index}]"))
        size, low, high = len(value), self._raw.get("minItems"), self._raw.get("maxItems")
        if low is not None and size < low:
            found.errors.append(_body(path, size, f"should have at least {low} items"))
        if high is not None and size > high:
            found.errors.append(FieldError(TOO_MANY, path, size, f"must have at most {high} items"))

    def _check_object(self, value: Object, old: Any, path: str, found: Findings) -> None:
        size, low, high = len(value), self._raw.get("minProperties"), self._raw.get("maxProperties")
        if low is not None and size < low:
            found.errors.append(_body(path, low, f"should have at least {low} properties"))
            return
        if high is not None and size > high:
            found.errors.append(FieldError(TOO_MANY, path, high, f"must have at most {high} items"))
            return
        for name, each in value.items():
            validator = self._properties.get(name, self._values)
            if validator is not None:
                before = related_field(old, name)
                found.merge(validator._run(each, before, f"{path}.{name}" if path else name))
            elif self._raw.get("additionalProperties") is False and name not in self._properties:
                text = f"{path}.{name} in body is a forbidden property"
                found.errors.append(FieldError(INVALID, path, name, text))
        for name in self._raw.get("required") or ():
            if name not in value:
                found.errors.append(FieldError(REQUIRED, f"{path}.{name}" if path else name, "", ""))

    # Alternatives

    def _check_logic(self, value: Any, path: str, found: Findings) -> None:
        shown = f'"{path}"'
        if self._any:
            self._check_any(value, path, found)
        if self._one:
            self._check_one(value, path, found)
        if self._all:
            results = [each._run(value, UNRELATED, path) for each in self._all]
            for result in results:
                found.merge(result)
            valid = sum(not result.errors for result in results)
            if valid != len(results):
                none = "" if valid else ". None validated"
                found.errors.append(_composite(f"{shown} must validate all the schemas (allOf){none}"))
        if self._not is not None and not self._not._run(value, UNRELATED, path).errors:
            found.errors.append(_composite(f"{shown} must not validate the schema (not)"))

    def _check_any(self, value: Any, path: str, found: Findings) -> None:
        results = [each._run(value, UNRELATED, path) for each in self._any]
        good = next((result for result in results if not result.errors), None)
        if good is None:
            found.errors.append(_composite(f'"{path}" must validate at least one schema (anyOf)'))
        found.merge(good or max(results, key=lambda result: result.checks))

    def _check_one(self, value: Any, path: str, found: Findings) -> None:
        results = [each._run(value, UNRELATED, path) for each in self._one]
        good = [result for result in results if not result.errors]
        if len(good) == 1:
            found.merge(good[0])
            return
        tail = f"Found {len(good)} valid alternatives" if good else "Found none valid"
        text = f'"{path}" must validate one and only one schema (oneOf). {tail}'
        found.errors.append(_composite(text))
        if not good:
            found.merge(max(results, key=lambda result: result.checks))


def _types(raw: Object) -> tuple[str, ...]:
    return (raw["type"],) if raw.get("type") else ()


def _join(base: str, path: str) -> str:
    return f"{base}{path}" if path.startswith("[") or not base or not path else f"{base}.{path}"


def _body(path: str, value: Any, text: str) -> FieldError:
    return FieldError(INVALID, path, value, f"{path} in body {text}")


def _composite(text: str) -> FieldError:
    """What is wrong with the whole: upstream gives it no place."""
    return FieldError(INVALID, "", "", text)


def _wrong_type(path: str, wanted: str, value: str) -> FieldError:
    return FieldError(TYPE_INVALID, path, value, f'{path} in body must be of type {wanted}: "{value}"')


def _same(value: Any, allowed: Any) -> bool:
    """Equality that tells 1 from true, and not 1 from 1.0."""
    return value == allowed and (type(value) is bool) == (type(allowed) is bool)


def _enum_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    from_json = {True: "true", False: "false", None: "null"}
    return from_json[value] if value is None or type(value) is bool else str(value)


def _string_checks(raw: Object) -> list[Check]:
    """In order: only the first complaint of length and pattern counts; that about the format is told, too."""
    checks: list[Check] = []
    high, low, pattern, form = (raw.get(key) for key in ("maxLength", "minLength", "pattern", "format"))
    if high is not None:
        text = f"may not be more than {high} bytes"
        checks.append(
            lambda value, path: [FieldError(TOO_LONG, path, OMITTED, text)] if len(value) > high else []
        )
    if low is not None:
        short = f"should be at least {low} chars long"
        checks.append(lambda value, path: [_body(path, value, short)] if len(value) < low else [])
    if pattern:
        matcher, mismatch = compile_pattern(pattern), f"should match '{pattern}'"
        checks.append(lambda value, path: [] if matcher.search(value) else [_body(path, value, mismatch)])
    if form and (is_good := checker_of(form)) is not None:
        checks.append(lambda value, path: [] if is_good(value) else [_wrong_type(path, form, value)])
    return checks


def _number_checks(raw: Object) -> list[Check]:
    checks: list[Check] = []
    factor, high, low = (raw.get(key) for key in ("multipleOf", "maximum", "minimum"))
    if factor is not None:
        text = f"should be a multiple of {format_float(factor)}"
        checks.append(lambda value, path: [] if _is_multiple(value, factor) else [_body(path, value, text)])
    if high is not None:
        excluded = bool(raw.get("exclusiveMaximum"))
        above = f"should be less than {'' if excluded else 'or equal to '}{format_float(high)}"
        checks.append(
            lambda value, path: (
                [_body(path, value, above)] if value > high or (excluded and value == high) else []
            )
        )
    if low is not None:
        left_out = bool(raw.get("exclusiveMinimum"))
        below = f"should be greater than {'' if left_out else 'or equal to '}{format_float(low)}"
        checks.append(
            lambda value, path: (
                [_body(path, value, below)] if value < low or (left_out and value == low) else []
            )
        )
    return checks


def _is_whole(value: float) -> bool:
    """Beyond what a float tells apart, upstream takes none for whole."""
    return value.is_integer() and abs(value) <= MAX_SAFE


def _is_multiple(value: float, factor: float) -> bool:
    if isinstance(value, int) and float(factor).is_integer():
        return value % int(factor) == 0
    times = value / factor
    return abs(times - round(times)) < 1e-9 * max(1.0, abs(times))
