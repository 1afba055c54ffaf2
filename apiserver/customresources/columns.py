"""The columns of a definition's additionalPrinterColumns, and the cells of a row.

Source: pkg/registry/customresource/tableconvertor of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.jsonpath import JsonPath, JsonPathError, format_result
from apimachinery.objects import Object
from apiserver.registry.strategies.tables import since
from apiserver.registry.strategy import NAME_COLUMN, Column

_AGE: Object = {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}


class Columns:
    """The columns of one version; `definitions` are its additionalPrinterColumns, perhaps none."""

    def __init__(self, definitions: Sequence[Object]) -> None:
        self._columns = [(each, _path(each["jsonPath"])) for each in definitions or (_AGE,)]
        self.columns: tuple[Column, ...] = (NAME_COLUMN, *(_column(each) for each, _ in self._columns))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        cells = [_cell(each["type"], path, obj, now) for each, path in self._columns]
        return [obj["metadata"]["name"], *cells]


def _path(json_path: str) -> JsonPath | None:
    """None for what is no path: its cells are empty."""
    try:
        return JsonPath(f"{{{json_path}}}")
    except JsonPathError:
        return None


def _column(definition: Object) -> Column:
    default = f"Custom resource definition column (in JSONPath format): {definition['jsonPath']}"
    return Column(
        name=definition["name"],
        type=definition["type"],
        format=definition.get("format") or "",
        description=definition.get("description") or default,
        priority=definition.get("priority") or 0,
    )


def _cell(kind: str, path: JsonPath | None, obj: Object, now: datetime) -> Any:
    """The first thing that the path leads to, if it is of the column's type."""
    found = path.find(obj) if path else []
    value: Any = found[0] if found else None
    match kind:
        case "string":
            return format_result(value) if value is not None else None
        case "integer":
            return int(value) if type(value) in (int, float) else None
        case "number":
            return float(value) if type(value) in (int, float) else None
        case "boolean":
            return value if type(value) is bool else None
        case "date":
            return _age(value, now) if isinstance(value, str) else None
    return None


def _age(moment: str, now: datetime) -> str:
    try:
        return since(moment, now)
    except ValueError:
        return "<invalid>"
