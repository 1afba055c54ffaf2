"""`-o custom-columns=NAME:.metadata.name,…`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery import jsonpath
from apimachinery.jsonpath import JsonPath
from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.printers.table import align

NONE = "<none>"


def render_columns(objects: Sequence[Object], specification: str) -> str:
    """A table with the columns that the specification names. Raises CommandError."""
    if not specification:
        raise CommandError("custom-columns format specified but no custom columns given")
    columns = [_column(part) for part in specification.split(",")]
    rows = [[_cell(path, obj) for _, path in columns] for obj in objects]
    return align([[name for name, _ in columns], *rows])


def _column(part: str) -> tuple[str, JsonPath]:
    name, colon, path = part.partition(":")
    if not colon or not path:
        raise CommandError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
    try:
        return name, jsonpath.relaxed(path)
    except jsonpath.JsonPathError as error:
        raise CommandError(str(error)) from None


def _cell(path: JsonPath, obj: Object) -> str:
    values = path.find(obj)
    return ",".join(_text(value) for value in values) if values else NONE


def _text(value: Any) -> str:
    """Go's way to print a value: lists in brackets without commas, maps as map[a:b]."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{_text(each)}' for key, each in sorted(value.items()))}]"
    return str(value)
