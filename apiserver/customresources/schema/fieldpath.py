"""Paths that lead to a field of a schema: `.spec.color`, `['a.b'].c`.

Source: ValidFieldPath in pkg/apiserver/schema/cel/validation.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from apimachinery.field import Path
from apiserver.customresources.schema.structural import Structural


class FieldPathError(ValueError):
    """The path leads nowhere; the text says why."""


class Step(NamedTuple):
    name: str
    is_field: bool
    """False: a key of a map."""


_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|[.\[\]]|[^.\[\]]+")
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\",
}  # fmt: skip


def resolve_field_path(
    text: str, schema: Structural, *, allow_brackets: bool = True
) -> tuple[list[Step], Structural]:
    """The steps, and the schema of what they lead to. Raises FieldPathError."""
    tokens, steps = _TOKEN.findall(text), list[Step]()
    while tokens:
        token = tokens.pop(0)
        if token not in (".", "["):
            raise FieldPathError(f"expected [ or . but got: {token}")
        if token == "[" and not allow_brackets:
            raise FieldPathError("array notation is not allowed")
        if not tokens:
            raise FieldPathError("unexpected end of JSON path")
        name = _quoted(tokens) if token == "[" else tokens.pop(0)
        step, schema = _step(name, schema)
        steps.append(step)
    return steps, schema


def _quoted(tokens: list[str]) -> str:
    """What is between brackets."""
    token = tokens.pop(0)
    if len(token) < 2 or not (token.startswith("'") and token.endswith("'")):
        raise FieldPathError(f"expected single quoted string but got {token}")
    if not tokens:
        raise FieldPathError("unexpected end of JSON path")
    if (end := tokens.pop(0)) != "]":
        raise FieldPathError(f"expected ] but got {end}")
    return re.sub(r"\\(.)", _unescaped, token[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    if match[1] not in _ESCAPES:
        raise FieldPathError(f"invalid string literal: invalid escape char {match[0]}")
    return _ESCAPES[match[1]]


def _step(name: str, schema: Structural) -> tuple[Step, Structural]:
    if schema.properties:
        inner = schema.properties.get(name)
        if inner is None:
            raise FieldPathError("does not refer to a valid field")
        return Step(name, True), inner
    if schema.additional is None:
        raise FieldPathError("does not refer to a valid field")
    return Step(name, False), schema.additional


def as_path(steps: list[Step], path: Path) -> Path:
    """The steps below a path, as errors show them."""
    for step in steps:
        path = path.child(step.name) if step.is_field else path.key(step.name)
    return path
