"""Where a value is and what is wrong with it: field paths and field errors in upstream's wording."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import inf, isfinite
from typing import Any

NOT_FOUND = "FieldValueNotFound"
REQUIRED = "FieldValueRequired"
DUPLICATE = "FieldValueDuplicate"
INVALID = "FieldValueInvalid"
NOT_SUPPORTED = "FieldValueNotSupported"
FORBIDDEN = "FieldValueForbidden"
TOO_LONG = "FieldValueTooLong"
TOO_MANY = "FieldValueTooMany"
TYPE_INVALID = "FieldValueTypeInvalid"
INTERNAL = "InternalError"

_TITLES = {
    NOT_FOUND: "Not found",
    REQUIRED: "Required value",
    DUPLICATE: "Duplicate value",
    INVALID: "Invalid value",
    NOT_SUPPORTED: "Unsupported value",
    FORBIDDEN: "Forbidden",
    TOO_LONG: "Too long",
    TOO_MANY: "Too many",
    TYPE_INVALID: "Invalid value",
    INTERNAL: "Internal error",
}
_WITHOUT_VALUE = {REQUIRED, FORBIDDEN, TOO_LONG, INTERNAL}


class _Omitted:
    """Stands for a value that is not shown; None is shown as null."""

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED: Any = _Omitted()


class Path:
    """An immutable path such as `spec.containers[0].ports[http]`; `Path()` is no path.

    `Path("")` is the whole object, which upstream writes as `[]`. Validation makes
    far more paths than it shows, so the text is put together only when asked for.
    """

    __slots__ = ("_parent", "_step")

    def __init__(self, *names: str) -> None:
        self._parent: Path | None = None
        self._step = ".".join(names) if names != ("",) else "[]"

    def _extended(self, step: str) -> Path:
        path = _new(Path)
        path._parent = self
        path._step = step
        return path

    def child(self, *names: str) -> Path:
        path = _new(Path)
        path._parent = self
        path._step = names[0] if len(names) == 1 else ".".join(names)
        return path

    def index(self, index: int) -> Path:
        return self._extended(f"[{index}]")

    def key(self, key: str) -> Path:
        return self._extended(f"[{key}]")

    def _joined(self) -> str:
        steps = []
        path: Path | None = self
        while path is not None:
            steps.append(path._step)
            path = path._parent
        text = ""
        for step in reversed(steps):
            text += step if not text or step.startswith("[") else f".{step}"
        return text

    def __str__(self) -> str:
        return self._joined() or "<nil>"

    def __repr__(self) -> str:
        return f"Path({self._joined()!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and self._joined() == other._joined()

    def __hash__(self) -> int:
        return hash(self._joined())


_new = object.__new__


class GoStruct(dict[str, Any]):
    """Is shown with its fields in the order they are given, where those of a map are sorted."""


def format_value(value: Any) -> str:
    """A value as upstream's messages show it: strings quoted, scalars plain, the rest as JSON."""
    if isinstance(value, float):
        return format_float(value)
    if value is None or isinstance(value, (bool, int, str, list, dict, tuple)):
        is_map = isinstance(value, dict) and not isinstance(value, GoStruct)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=is_map)
    return f'"{value}"'


def format_float(value: float) -> str:
    """A number as Go's %v writes it: the digits that tell it from others, an exponent from a million on."""
    if isinstance(value, int):
        return str(value)
    if not isfinite(value):
        return {inf: "+Inf", -inf: "-Inf"}.get(value, "NaN")
    sign, digits, shift = Decimal(repr(value)).normalize().as_tuple()
    exponent = len(digits) + int(shift) - 1
    if -4 <= exponent < 6 or value == 0:
        return repr(value).removesuffix(".0")
    text = "".join(map(str, digits))
    mantissa = text if len(text) == 1 else f"{text[0]}.{text[1:]}"
    return f"{'-' if sign else ''}{mantissa}e{exponent:+03d}"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field; an API error's `details.causes` entry."""

    type: str
    path: str
    bad_value: Any
    detail: str

    @property
    def body(self) -> str:
        """The message without the path, which is what a cause's message holds."""
        text = _TITLES[self.type]
        if self.type not in _WITHOUT_VALUE and self.bad_value is not OMITTED:
            text = f"{text}: {format_value(self.bad_value)}"
        return f"{text}: {self.detail}" if self.detail else text

    def __str__(self) -> str:
        return f"{self.path}: {self.body}"

    def to_cause(self) -> dict[str, str]:
        return {"reason": self.type, "message": self.body, "field": self.path}


Errors = Iterable[FieldError]
ErrorList = list[FieldError]


def invalid(path: Path, value: Any, detail: str) -> FieldError:
    return FieldError(INVALID, str(path), value, detail)


def required(path: Path, detail: str = "") -> FieldError:
    return FieldError(REQUIRED, str(path), "", detail)


def duplicate(path: Path, value: Any) -> FieldError:
    return FieldError(DUPLICATE, str(path), value, "")


def not_supported(path: Path, value: Any, valid: Sequence[str] = ()) -> FieldError:
    listed = ", ".join(f'"{each}"' for each in valid)
    return FieldError(NOT_SUPPORTED, str(path), value, f"supported values: {listed}" if listed else "")


def forbidden(path: Path, detail: str) -> FieldError:
    return FieldError(FORBIDDEN, str(path), "", detail)


def too_long(path: Path, value: Any, maximum: int) -> FieldError:
    """A negative maximum is not named."""
    unit = "byte" if maximum == 1 else "bytes"
    limit = "value is too long" if maximum < 0 else f"may not be more than {maximum} {unit}"
    return FieldError(TOO_LONG, str(path), OMITTED, limit)


def too_many(path: Path, actual: int, maximum: int) -> FieldError:
    """Negative numbers are not named."""
    limit = "has too many items" if maximum < 0 else f"must have at most {maximum} items"
    return FieldError(TOO_MANY, str(path), actual if actual >= 0 else OMITTED, limit)


def not_found(path: Path, value: Any) -> FieldError:
    return FieldError(NOT_FOUND, str(path), value, "")


def internal(path: Path, error: object) -> FieldError:
    return FieldError(INTERNAL, str(path), None, str(error))
