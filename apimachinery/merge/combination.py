"""Objects combined: a configuration merged into an object, and fields taken out of one.

Arguments are left as they are; results may share parts with them.
Source: typed/merge.go and remove.go of structured-merge-diff.
"""

from __future__ import annotations

from typing import Any

from apimachinery.merge.fields import SELF, Fields, field_step, is_member
from apimachinery.merge.shape import ListShape, MapShape, Shape

_ABSENT: Any = object()


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """`live` with what `config` says. Nothing is removed; lists are ordered as `config` has them.

    Raises ShapeError where items of a list cannot be told apart.
    """
    before, after = shape.part_for(live), shape.part_for(config)
    if before is not after or isinstance(after, str) or after.atomic:
        return config
    if not live and not config:
        return config
    if isinstance(after, MapShape):
        return _merge_maps(live or {}, config or {}, after)
    return _merge_lists(live or [], config or [], after)


def _merge_maps(live: dict[str, Any], config: dict[str, Any], shape: MapShape) -> dict[str, Any]:
    result = dict(live)
    for name, value in config.items():
        child = shape.child(name)
        both = name in live and child is not None
        result[name] = merge(live[name], value, child) if both and child else value
    return result


def _merge_lists(live: list[Any], config: list[Any], shape: ListShape) -> list[Any]:
    """Items in the order of `config`; those of `live` alone stay before what they stood before."""
    steps, wanted = [shape.step(each) for each in live], [shape.step(each) for each in config]
    here, there = _index(steps, live), dict(zip(wanted, config, strict=True))
    shared = [step for step in wanted if step in here]
    merged: set[str] = set()
    result: list[Any] = []

    def take(step: str) -> None:
        merged.add(step)
        own = here.get(step, _ABSENT)
        result.append(there[step] if own is _ABSENT else merge(own, there[step], shape.items))
        if shared and shared[0] == step:
            del shared[0]

    left = right = 0
    while left < len(steps) or right < len(wanted):
        step = steps[left] if left < len(steps) else None
        if step is not None and right < len(wanted):
            if step == wanted[right]:
                take(step)
                left, right = left + 1, right + 1
                continue
            if step in there and shared and shared[0] != step:
                left += 1  # its turn comes where `config` has it
                continue
        if step is not None:
            if step not in there:
                result.append(live[left])
                left += 1
                continue
            if step in merged:
                left += 1
        if right < len(wanted):
            take(wanted[right])
            right += 1
    return result


def _index(steps: list[str], items: list[Any]) -> dict[str, Any]:
    """The items by step; of duplicates none can be merged with."""
    found: dict[str, Any] = {}
    for step, item in zip(steps, items, strict=True):
        found[step] = None if step in found else item
    return found


def remove(value: Any, fields: Fields, shape: Shape) -> Any:
    """The value without these fields and items; None where nothing remains."""
    part = shape.part_for(value)
    if isinstance(part, str):
        return value
    if not value or part.atomic:
        return None
    if isinstance(part, MapShape):
        return _without_entries(value, fields, part) or None
    return _without_items(value, fields, part) or None


def _without_entries(value: dict[str, Any], fields: Fields, shape: MapShape) -> dict[str, Any]:
    result = {}
    for name, each in value.items():
        node = fields.get(field_step(name))
        if node is None:
            result[name] = each
        elif not is_member(node):
            child = shape.child(name)
            result[name] = remove(each, node, child) if child else each
    return result


def _without_items(value: list[Any], fields: Fields, shape: ListShape) -> list[Any]:
    result = []
    for item in value:
        node = fields.get(shape.step(item))
        if node is None:
            result.append(item)
        elif not is_member(node):
            result.append(remove(item, node, shape.items))
    return result


def with_named_fields(fields: Fields, shape: Shape | None) -> Fields:
    """The set with the fields that the schema names and that lead to members as members themselves.

    Owning `spec.strategy.type` is then owning `spec.strategy` too, so that an emptied struct goes as a whole.
    """
    result: Fields = {SELF: {}} if SELF in fields else {}
    for step, node in fields.items():
        if step == SELF or not node:
            result[step] = node
            continue
        below = with_named_fields(node, _below(shape, step))
        named = (
            shape is not None and shape.map is not None and step[0] == "f" and shape.map.is_field(step[2:])
        )
        result[step] = {SELF: {}, **below} if named else below
    return result


def _below(shape: Shape | None, step: str) -> Shape | None:
    if shape is None:
        return None
    if step[0] == "f":
        return shape.map.child(step[2:]) if shape.map else None
    return shape.list.items if shape.list and step[0] == "k" else None
