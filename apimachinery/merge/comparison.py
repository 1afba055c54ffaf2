"""Two objects compared: the fields that were added, modified and removed; and the fields of one object.

Source: typed/compare.go and tofieldset.go of structured-merge-diff.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from apimachinery.merge.fields import SELF, Fields, field_step, key_step, union
from apimachinery.merge.shape import ListShape, MapShape, Shape, ShapeError

_NOBODYS = key_step({})
_CONTAINERS = (dict, list)


@dataclass(slots=True)
class Comparison:
    """No field is in more than one of the sets.

    Not frozen only because one is made for every level, and freezing makes that three times as slow.
    """

    added: Fields = field(default_factory=dict)
    modified: Fields = field(default_factory=dict)
    removed: Fields = field(default_factory=dict)

    @property
    def changed(self) -> Fields:
        """What the new object has otherwise than the old one."""
        return union(self.modified, self.added)


def compare(old: Any, new: Any, shape: Shape) -> Comparison:
    """What makes `new` of `old`. Raises ShapeError."""
    comparison = Comparison()
    _compare(old, new, shape, comparison)
    return comparison


def _compare(old: Any, new: Any, shape: Shape, found: Comparison) -> bool:
    """Tells what differs within two values; True if they are leaves, and differ as a whole."""
    before, after = shape.part_for(old), shape.part_for(new)
    leaf = _compare_as(after, old, new, found)
    return (_compare_as(before, old, new, found) or leaf) if before is not after else leaf


def _compare_as(part: str | ListShape | MapShape, old: Any, new: Any, found: Comparison) -> bool:
    if isinstance(part, MapShape):
        if part.atomic:
            return True
        before, after = old if type(old) is dict else {}, new if type(new) is dict else {}
        if before or after:
            _compare_maps(part, before, after, found)
        return not (before or after)
    if isinstance(part, ListShape):
        if part.atomic:
            return True
        items, wanted = old if type(old) is list else [], new if type(new) is list else []
        if items or wanted:
            _compare_lists(part, items, wanted, found)
        return not (items or wanted)
    return True


def _compare_maps(shape: MapShape, old: dict[str, Any], new: dict[str, Any], found: Comparison) -> None:
    for name, value in new.items():
        before = old[name] if name in old else shape.zero(name)
        if before is None and name not in old:
            if value is None and shape.is_never_null(name):
                continue  # a time that Go writes though it is not set
            found.added[field_step(name)] = _all_of(value, _child(shape, name))
        elif _differ(before, value):
            _compare_below(field_step(name), before, value, _child(shape, name), found)
    for name, value in old.items():
        if name in new:
            continue
        if (after := shape.zero(name)) is None:
            found.removed[field_step(name)] = _all_of(value, _child(shape, name))
        elif _differ(value, after):
            _compare_below(field_step(name), value, after, _child(shape, name), found)


def _differ(old: Any, new: Any) -> bool:
    """To Python, unlike to JSON, 0 is False."""
    return old != new or isinstance(old, bool) is not isinstance(new, bool)


def _compare_below(step: str, old: Any, new: Any, shape: Shape, found: Comparison) -> None:
    below = Comparison()
    if _compare(old, new, shape, below):
        below.modified[SELF] = {}
    for there, here in ((below.added, found.added), (below.modified, found.modified)):
        if there:
            here[step] = _plain(there)
    if below.removed:
        found.removed[step] = below.removed


def _plain(node: Fields) -> Fields:
    return {} if node.keys() == {SELF} else node


def _compare_lists(shape: ListShape, old: list[Any], new: list[Any], found: Comparison) -> None:
    before, after = _by_step(shape, old), _by_step(shape, new)
    for step in before | after:
        _compare_items(step, before.get(step, []), after.get(step, []), shape.items, found)


def _by_step(shape: ListShape, items: list[Any]) -> dict[str, list[Any]]:
    """The items by what tells them apart; more than one of a kind are duplicates."""
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(shape.step(item), []).append(item)
    return found


def _compare_items(step: str, old: list[Any], new: list[Any], shape: Shape, found: Comparison) -> None:
    """Duplicates count as one value: which of them is whose cannot be said."""
    if len(old) <= 1 and len(new) <= 1:
        if not old:
            found.added[step] = _all_of(new[0], shape)
        elif not new:
            found.removed[step] = _all_of(old[0], shape)
        elif old != new:
            _compare_below(step, old[0], new[0], shape, found)
    elif len(old) > 1 and len(new) > 1:
        if old != new:
            found.modified[step] = {}
    elif len(old) > 1:
        if new:
            found.added[step] = _all_of(new[0], shape)
        found.removed[step] = {}
    else:
        if old:
            found.removed[step] = _all_of(old[0], shape)
        found.added[step] = {}


def _all_of(value: Any, shape: Shape) -> Fields:
    """A value that was not there before, or is no more: all that is in it, and itself."""
    kind = type(value)
    if kind is dict and value and shape.map is not None and not shape.map.atomic:
        return _all_entries(value, shape.map)
    if kind is list and value and shape.list is not None and not shape.list.atomic:
        return _all_items(value, shape.list)
    return {}


def _all_entries(value: dict[str, Any], shape: MapShape) -> Fields:
    result: Fields = {SELF: {}}
    for name, each in value.items():
        container = type(each) in _CONTAINERS
        result[f"f:{name}"] = _all_of(each, _child(shape, name)) if container else {}
    return result


def _all_items(value: list[Any], shape: ListShape) -> Fields:
    result: Fields = {SELF: {}}
    for step, items in _by_step(shape, value).items():
        result[step] = _all_of(items[0], shape.items) if len(items) == 1 else {}
    return result


def _child(shape: MapShape, name: str) -> Shape:
    child = shape.child(name)
    if child is None:
        raise ShapeError(f".{name}: field not declared in schema")
    return child


def fields_of(value: Any, shape: Shape) -> Fields:
    """Every leaf and item of an object: what a manager owns who applied it.

    Items that cannot be told apart, which taking fields away may leave behind, are nobody's.
    """
    return _fields_of(value, shape) or {}


def _fields_of(value: Any, shape: Shape) -> Fields | None:
    """{} for a leaf; None if there is nothing to own in it."""
    part = shape.part_for(value)
    if isinstance(part, str) or part.atomic:
        return {}
    if isinstance(part, MapShape):
        return _entries_of(value or {}, part) or None
    return _items_of(value or [], part) or None


def _entries_of(value: dict[str, Any], shape: MapShape) -> Fields:
    result: Fields = {}
    for name, each in value.items():
        node = _fields_of(each, _child(shape, name))
        owned = each is None or each == {} or not shape.is_field(name)
        if node is None and owned:
            node = {}
        if node is not None:
            result[field_step(name)] = {SELF: {}, **node} if owned and node else node
    return result


def _items_of(value: list[Any], shape: ListShape) -> Fields:
    steps = [_step(shape, each) for each in value]
    times = Counter(steps)
    result: Fields = {}
    for step, item in zip(steps, value, strict=True):
        below = _fields_of(item, shape.items) if times[step] == 1 else None
        result[step] = {SELF: {}, **below} if below else {}
    return result


def _step(shape: ListShape, item: Any) -> str:
    try:
        return shape.step(item)
    except ShapeError:
        return _NOBODYS
