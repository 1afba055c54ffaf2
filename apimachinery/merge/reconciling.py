"""Sets of fields that were written under an older schema: lists and maps that have become one value since.

Who owned something in what is atomic now owns the whole of it. The other way round nothing changes.
Source: typed/reconcile_schema.go of structured-merge-diff.
"""

from __future__ import annotations

from apimachinery.merge.fields import Fields, steps_of
from apimachinery.merge.shape import ListShape, MapShape, Shape


def reconcile(fields: Fields, shape: Shape) -> Fields:
    """The set as of today's schema; the same object if it is so already."""
    part = shape.map or shape.list
    if part is None or (isinstance(part, MapShape) and part.is_deduced):
        return fields
    changed: Fields = {}
    for step, node in steps_of(fields):
        child = _below(part, step)
        if child is not None and (today := _reconcile_below(node, child)) is not node:
            changed[step] = today
    return {**fields, **changed} if changed else fields


def _below(part: MapShape | ListShape, step: str) -> Shape | None:
    if isinstance(part, ListShape):
        return part.items
    return part.child(step[2:]) if step[0] == "f" else part.child("")


def _reconcile_below(node: Fields, shape: Shape) -> Fields:
    part = shape.map or (None if shape.scalar else shape.list)
    if not node or part is None or (isinstance(part, MapShape) and part.is_deduced):
        return node
    return {} if part.atomic else reconcile(node, shape)
