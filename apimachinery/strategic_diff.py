"""Strategic merge patches created: from two versions, or from three as `kubectl apply` does."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from apimachinery.objects import Object, deep_copy
from apimachinery.schema.node import SchemaNode

DIRECTIVE = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ORDER = "$setElementOrder/"
DELETE_FROM = "$deleteFromPrimitiveList/"


def is_merge_list(schema: SchemaNode | None) -> bool:
    return schema is not None and "merge" in schema.patch_strategies


@dataclass(frozen=True, slots=True)
class _Want:
    """Which differences a patch is to have."""

    changes: bool = True
    deletions: bool = True
    retain_keys: bool = False


def create_two_way_patch(original: Object, modified: Object, schema: SchemaNode | None) -> Object:
    """The patch that makes `modified` of `original`."""
    return _diff_maps(deep_copy(original), deep_copy(modified), schema, _Want())


def create_three_way_patch(
    original: Object, modified: Object, current: Object, schema: SchemaNode | None
) -> Object:
    """What `modified` changes over `current`, and the deletions from `original` to `modified`."""
    wanted = deep_copy(modified)
    changes = _diff_maps(current, wanted, schema, _Want(deletions=False))
    deletions = _diff_maps(original, wanted, schema, _Want(changes=False))
    return deep_copy(_union(deletions, changes, schema))


def _diff_maps(old: Object, new: Object, schema: SchemaNode | None, want: _Want) -> Object:
    patch: Object = {}
    for key, value in new.items():
        if key not in old or type(old[key]) is not type(value):
            if want.changes and (key not in old or old[key] != value):
                patch[key] = value
        else:
            child = schema.child(key) if schema else None
            _diff_field(patch, key, old[key], value, child, replace(want, retain_keys=False))
    missing = [key for key in old if key not in new]
    if want.deletions:
        patch.update(dict.fromkeys(missing))
    if want.retain_keys and (patch or missing):
        retained = sorted(key for key, value in new.items() if value is not None)
        if retained:
            patch[RETAIN_KEYS] = retained
    return patch


def _diff_field(patch: Object, key: str, old: Any, new: Any, schema: SchemaNode | None, want: _Want) -> None:
    strategies = schema.patch_strategies if schema else ()
    if isinstance(new, list) and is_merge_list(schema):
        _diff_merge_list(patch, key, old, new, schema, replace(want, retain_keys="retainKeys" in strategies))
    elif isinstance(new, dict) and "replace" not in strategies:
        inner = _diff_maps(old, new, schema, replace(want, retain_keys="retainKeys" in strategies))
        if inner:
            patch[key] = inner
    elif want.changes and old != new:
        patch[key] = new


def _diff_merge_list(
    patch: Object, key: str, old: list[Any], new: list[Any], schema: SchemaNode | None, want: _Want
) -> None:
    merge_key = schema.merge_key if schema else ""
    if not old:
        if new and want.changes:
            patch[key] = new
        return
    if merge_key:
        added = _diff_items(old, new, schema, merge_key, want)
        if added:
            patch[key] = added
        same_order = _is_same_order(old, new, merge_key)
        if added or (want.changes and not same_order):
            patch[f"{SET_ORDER}{key}"] = [{merge_key: each[merge_key]} for each in new]
        return
    added = [each for each in new if each not in old] if want.changes else []
    removed = [each for each in old if each not in new] if want.deletions else []
    if added:
        patch[key] = added
    if removed:
        patch[f"{DELETE_FROM}{key}"] = removed
    if new and (removed or (want.changes and old != new)):
        patch[f"{SET_ORDER}{key}"] = new


def _diff_items(
    old: list[Object], new: list[Object], schema: SchemaNode | None, merge_key: str, want: _Want
) -> list[Object]:
    """Changed and new items in the order of `new`, then the deleted ones."""
    items = schema.items if schema else None
    before = {each[merge_key]: each for each in old}
    after = {each[merge_key] for each in new}
    patch: list[Object] = []
    for each in new:
        identity = each[merge_key]
        if identity not in before:
            patch += [each] if want.changes else []
        elif inner := _diff_maps(before[identity], each, items, want):
            patch.append({**inner, merge_key: identity})
    if want.deletions:
        patch += [{DIRECTIVE: "delete", merge_key: each} for each in before if each not in after]
    return patch


def _is_same_order(old: list[Object], new: list[Object], merge_key: str) -> bool:
    wanted = [each[merge_key] for each in new]
    kept = [each[merge_key] for each in old if each[merge_key] in wanted]
    return kept == [each for each in wanted if each in kept]


def _union(deletions: Object, changes: Object, schema: SchemaNode | None) -> Object:
    """One patch of two that do not contradict each other."""
    result = dict(deletions)
    for key, value in changes.items():
        mine = result.get(key)
        child = schema.child(key) if schema else None
        if isinstance(mine, dict) and isinstance(value, dict):
            result[key] = _union(mine, value, child)
        elif isinstance(mine, list) and isinstance(value, list) and child is not None and child.merge_key:
            result[key] = _union_of_items(mine, value, child)
        else:
            result[key] = value
    return result


def _union_of_items(deletions: list[Object], changes: list[Object], schema: SchemaNode) -> list[Object]:
    """Items to change in their order, then the ones to delete."""
    merge_key = schema.merge_key
    mine = {each[merge_key]: each for each in deletions}
    changed = {each[merge_key] for each in changes}
    united = [
        _union(mine[each[merge_key]], each, schema.items) if each[merge_key] in mine else each
        for each in changes
    ]
    return united + [each for each in deletions if each[merge_key] not in changed]
