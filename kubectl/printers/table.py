"""The server's Tables as text, and rows of words aligned as kubectl's tab writer aligns them."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, name_of

GAP = 3
MINIMUM = 6


def align(rows: Sequence[Sequence[str]], *, gap: int = GAP, minimum: int = MINIMUM) -> str:
    """Pads every column but the last to its widest cell and a gap (text/tabwriter with padding 3)."""
    return Columns(gap, minimum).align(rows)


class Columns:
    """Columns that remember how wide they have been."""

    def __init__(self, gap: int = GAP, minimum: int = MINIMUM) -> None:
        self._gap, self._minimum = gap, minimum
        self._widths: list[int] = []

    def align(self, rows: Sequence[Sequence[str]]) -> str:
        for row in rows:
            self._widths += [self._minimum] * (len(row) - len(self._widths))
            for index, cell in enumerate(row):
                self._widths[index] = max(self._widths[index], len(cell) + self._gap)
        return "".join(_line(row, self._widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
    return "".join([*padded, row[-1] if row else ""]) + "\n"


def table_rows(
    table: Object,
    *,
    wide: bool = False,
    headers: bool = True,
    namespaces: bool = False,
    prefix: str = "",
    show_labels: bool = False,
    label_columns: Sequence[str] = (),
) -> list[list[str]]:
    """The cells of a meta/v1 Table, heading first, with kubectl's own columns around the server's."""
    definitions = table.get("columnDefinitions") or []
    shown = [i for i, column in enumerate(definitions) if wide or not column.get("priority")]
    rows: list[list[str]] = []
    if headers:
        names = [definitions[i]["name"].upper() for i in shown]
        labels = [label.rsplit("/", 1)[-1].upper() for label in label_columns]
        rows.append(
            [*(["NAMESPACE"] if namespaces else []), *names, *labels, *(["LABELS"] if show_labels else [])]
        )
    bodies = table.get("rows") or []
    rows += [_row(row, shown, namespaces, prefix, show_labels, label_columns) for row in bodies]
    return rows


def plain_table(objects: Sequence[Object]) -> Object:
    """A Table of names and ages, for when the server's own is not wanted."""
    from kubectl.describe.values import age, now

    moment = now()
    rows = [
        {"cells": [name_of(obj), age(obj["metadata"].get("creationTimestamp"), moment)], "object": obj}
        for obj in objects
    ]
    return {"columnDefinitions": [{"name": "Name"}, {"name": "Age"}], "rows": rows}


def _row(
    row: Object,
    shown: Sequence[int],
    namespaces: bool,
    prefix: str,
    show_labels: bool,
    label_columns: Sequence[str],
) -> list[str]:
    metadata = (row.get("object") or {}).get("metadata") or {}
    cells = [_cell(row["cells"][i]) for i in shown]
    if prefix and cells:
        cells[0] = f"{prefix}/{cells[0]}"
    labels = metadata.get("labels") or {}
    extra = [labels.get(label, "") for label in label_columns]
    if show_labels:
        extra.append(",".join(f"{k}={v}" for k, v in sorted(labels.items())) or "<none>")
    return [*([metadata.get("namespace", "")] if namespaces else []), *cells, *extra]


def _cell(value: object) -> str:
    if value is None:
        return "<none>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).split("\n", 1)[0]
