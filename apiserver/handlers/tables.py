"""Objects as rows of a Table, and as metadata only: what kubectl and metadata clients ask for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from apimachinery.errors import BadRequestError
from apimachinery.objects import Object
from apiserver.registry.codec import Codec
from apiserver.registry.strategy import Column, Strategy
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_INCLUDE = ("", "None", "Metadata", "Object")


def include_object(info: RequestInfo) -> str:
    """What each row carries of its object. Raises BadRequestError."""
    wanted = info.first("includeObject") or "Metadata"
    if wanted not in _INCLUDE:
        why = f"includeObject: Invalid value: \"{wanted}\": must be 'Metadata', 'Object', 'None', or empty"
        raise BadRequestError(f"Unable to convert to Table as requested: {why}")
    return wanted


def column(definition: Column) -> Object:
    return {
        "name": definition.name,
        "type": definition.type,
        "format": definition.format,
        "description": definition.description,
        "priority": definition.priority,
    }


class TableWriter:
    """Makes rows of one resource."""

    def __init__(self, strategy: Strategy, codec: Codec, version: str, include: str, now: datetime) -> None:
        self._strategy = strategy
        self._codec = codec
        self._version = version
        self._include = include
        self._now = now

    def table(self, entries: Iterable[Entry], metadata: Object, *, headless: bool = False) -> Object:
        """`headless` leaves out the columns: in a watch only the first Table has them."""
        return self._table([self._row(entry) for entry in self._ordered(entries)], metadata, headless)

    def bookmark(self, obj: Object, *, headless: bool) -> Object:
        """A row of an object of which there is only the revision; its annotations are told in any case."""
        metadata = obj["metadata"]
        shown: Object | None = partial_metadata(obj, self._version)
        if self._include == "Object":
            shown = obj
        elif self._include == "None" and "annotations" not in metadata:
            shown = None
        row = {"cells": [None] * len(self._strategy.columns), "object": shown}
        return self._table([row], {"resourceVersion": metadata["resourceVersion"]}, headless)

    def _table(self, rows: list[Object], metadata: Object, headless: bool) -> Object:
        return {
            "kind": "Table",
            "apiVersion": f"meta.k8s.io/{self._version}",
            "metadata": metadata,
            "columnDefinitions": None if headless else [column(each) for each in self._strategy.columns],
            "rows": rows,
        }

    def _ordered(self, entries: Iterable[Entry]) -> Iterable[Entry]:
        if (order := self._strategy.row_order) is None:
            return entries
        return sorted(entries, key=lambda entry: order(self._codec.judged(entry)))

    def _row(self, entry: Entry) -> Object:
        obj = self._codec.judged(entry)
        row: Object = {"cells": self._strategy.cells(obj, self._now)}
        if conditions := self._strategy.row_conditions(obj):
            row["conditions"] = conditions
        row["object"] = self._object(entry, obj)
        return row

    def _object(self, entry: Entry, obj: Object) -> Any:
        match self._include:
            case "None":
                return None
            case "Object":
                return self._codec.obj(entry)
        return partial_metadata(obj, self._version)


def partial_metadata(obj: Object, version: str) -> Object:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": obj["metadata"],
    }


def partial_metadata_list(entries: Iterable[Entry], metadata: Object, version: str) -> Object:
    return {
        "kind": "PartialObjectMetadataList",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "items": [partial_metadata(entry.obj, version) for entry in entries] or None,
    }
