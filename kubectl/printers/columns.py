"""`-o custom-columns=NAME:.metadata.name,…`."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery import jsonpath
from apimachinery.jsonpath import JsonPath
from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.printers.go_values import text_of
from kubectl.printers.table import align

NONE = "<none>"


def render_columns(objects: Sequence[Object], specification: str, *, headers: bool = True) -> str:
    """A table with the columns that the specification names. Raises CommandError."""
    columns = [_column(part) for part in specification.split(",")]
    rows = [[_cell(path, obj) for _, path in columns] for obj in objects]
    return align([[name for name, _ in columns], *rows] if headers else rows)


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
    return ",".join(text_of(value, NONE) for value in values) if values else NONE
