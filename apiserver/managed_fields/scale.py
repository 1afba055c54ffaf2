"""The one field that a workload shares with its Scale: who owns replicas, seen from either side.

Source: scalehandler.go of apimachinery.
"""

from __future__ import annotations

from apimachinery.merge.fields import Path, difference, has, path_set
from apiserver.managed_fields.book import Book, new_entry, with_fields

API_VERSION = "autoscaling/v1"
REPLICAS: Path = ("f:spec", "f:replicas")
"""In a Scale."""


def to_scale(book: Book, replicas: Path) -> Book:
    """The owners of the workload's replicas, as owners of the Scale's."""
    return {
        identity: new_entry(identity, API_VERSION, path_set(REPLICAS), entry.get("time"))
        for identity, entry in book.items()
        if has(entry["fieldsV1"], replicas)
    }


def to_workload(book: Book, scale: Book, replicas: Path, api_version: str) -> Book:
    """The workload's book after a write to its Scale: who has lost the replicas has lost them here, too."""
    result: Book = {}
    for identity, entry in book.items():
        fields = entry["fieldsV1"]
        if identity in scale or not has(fields, replicas):
            result[identity] = entry
        elif left := difference(fields, path_set(replicas)):
            result[identity] = with_fields(entry, left)
    for identity, entry in scale.items():
        if identity not in book and has(entry["fieldsV1"], REPLICAS):
            result[identity] = new_entry(identity, api_version, path_set(replicas), entry.get("time"))
    return result
