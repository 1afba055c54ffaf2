"""`-o custom-columns=NAME:.metadata.name,…`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery import jsonpath
from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.printers.table import align

NONE = "<none>"


def render_columns(objects: Sequence[Object], specification: str) -> str:
    """A table with the columns that the specification names. Raises CommandError."""
    if not specification:
        raise CommandError("custom-columns format specified but no custom columns given")
    columns = [_column(part) for part in specification.split(",")]
    rows = [[_cell(template, obj) for _, template in columns] for obj in objects]
    return align([[name for name, _ in columns], *rows])


def _column(part: str) -> tuple[str, Any]:
    name, colon, path = part.partition(":")
    if not colon or not path:
        raise CommandError(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
    expression = path if path.startswith("{") else "{" + (path if path.startswith(".") else f".{path}") + "}"
    return name, jsonpath.parse(expression)


def _cell(template: Any, obj: Object) -> str:
    values = jsonpath.find(template, obj)
    return ",".join(jsonpath.to_text(value) for value in values) if values else NONE
