"""Strategic merge patches applied: a merge patch that merges lists by key, as the schema says.

Directives: `$patch` (replace, delete, merge), `$retainKeys`, `$setElementOrder/<list>`,
`$deleteFromPrimitiveList/<list>`. Patches are created in `strategic_diff`; its functions are importable here.
"""

from __future__ import annotations

from collections import deque
from typing import Any, cast

from apimachinery.objects import Object, deep_copy
from apimachinery.patch import PatchError
from apimachinery.schema.node import SchemaNode
from apimachinery.strategic_diff import (
    DELETE_FROM,
    DIRECTIVE,
    RETAIN_KEYS,
    SET_ORDER,
    create_three_way_patch,
    create_two_way_patch,
    is_merge_list,
)

__all__ = ["create_three_way_patch", "create_two_way_patch", "strategic_merge"]


def strategic_merge(original: Object, patch: Object, schema: SchemaNode | None) -> Object:
    """The patched copy. Raises PatchError."""
    return _merge_map(deep_copy(original), deep_copy(patch), schema)


def _merge_map(original: Object, patch: Object, schema: SchemaNode | None) -> Object:
    """Merges in place, but for a map that is to be replaced."""
    match patch.pop(DIRECTIVE, None):
        case "replace":
            return cast(Object, _without_directives(patch))
        case "delete":
            return {}
        case "merge" | None:
            pass
        case other:
            raise PatchError(f"Unknown patch type found: {other}")
    _retain_keys(original, patch)
    orders, deletions = _take_parallel_lists(patch)
    for key in dict.fromkeys([*patch, *orders, *deletions]):
        child = schema.child(key) if schema else None
        if key in patch and patch[key] is None:
            original.pop(key, None)
        elif key in orders or key in deletions or isinstance(patch[key], list):
            _merge_field_list(original, key, patch.get(key), orders.get(key), deletions.get(key), child)
        else:
            original[key] = _merge_value(original.get(key), patch[key], child)
    return original


def _retain_keys(original: Object, patch: Object) -> None:
    """Drops what the patch does not list, so that a union keeps one member only."""
    if RETAIN_KEYS not in patch:
        return
    retained = patch.pop(RETAIN_KEYS)
    if not isinstance(retained, list):
        raise PatchError("invalid patch format of retainKeys directive: must be a list")
    if stray := [
        key for key, value in patch.items() if key not in retained and value is not None and key[0] != "$"
    ]:
        raise PatchError(f"patch contains fields not in its $retainKeys list: {', '.join(sorted(stray))}")
    for key in [key for key in original if key not in retained]:
        del original[key]


def _take_parallel_lists(patch: Object) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Takes the directives about lists out of the patch: orders and deletions, by field."""
    found: tuple[dict[str, list[Any]], dict[str, list[Any]]] = ({}, {})
    for key in list(patch):
        for prefix, lists in zip((SET_ORDER, DELETE_FROM), found, strict=True):
            if key.startswith(prefix):
                lists[key.removeprefix(prefix)] = _list(patch.pop(key))
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise PatchError("invalid patch: a list directive must hold a list")
    return value


def _merge_value(original: Any, patch: Any, schema: SchemaNode | None) -> Any:
    """A field that is no list. What the original lacks is taken from the patch, without its directives."""
    if not isinstance(patch, dict):
        return patch
    if not isinstance(original, dict) or (schema and "replace" in schema.patch_strategies):
        return _without_directives(patch)
    return _merge_map(original, patch, schema)


def _merge_field_list(
    original: Object,
    key: str,
    patch: list[Any] | None,
    order: list[Any] | None,
    deletions: list[Any] | None,
    schema: SchemaNode | None,
) -> None:
    before = original.get(key)
    if not isinstance(before, list):
        before = []
        if patch is None and not order:
            return
    if patch is not None and not is_merge_list(schema):
        original[key] = _without_directives(patch)
        return
    merge_key = schema.merge_key if schema else ""
    if patch is not None and any(
        isinstance(each, dict) and each.get(DIRECTIVE) == "replace" for each in patch
    ):
        original[key] = [_without_directives(each) for each in _kept(patch)]
        return
    merged = _without(before, deletions or [])
    if patch:
        merged = _merge_list(merged, patch, schema, merge_key)
    if order is not None:
        _check_order(patch or [], order, merge_key, key)
    merged = _reordered(merged, before, _kept(patch) if order is None else order, merge_key)
    if merged or key in original or patch is not None:
        original[key] = merged


def _merge_list(
    original: list[Any], patch: list[Any], schema: SchemaNode | None, merge_key: str
) -> list[Any]:
    if not merge_key:
        return original + _without(list(_places(patch, "")), original)
    items = schema.items if schema else None
    merged = dict(enumerate(original))
    places: dict[Any, list[int]] = {}
    for place, old in merged.items():
        places.setdefault(old.get(merge_key), []).append(place)
    for place, each in enumerate(patch, len(merged)):
        name = _name_of_item(each, merge_key)
        if each.get(DIRECTIVE) == "delete":
            for known in places.pop(name, ()):
                del merged[known]
        elif name in places:
            first = places[name][0]
            merged[first] = _merge_map(merged[first], each, items)
        else:
            places[name] = [place]
            merged[place] = _without_directives(each)
    return list(merged.values())


def _without(items: list[Any], others: list[Any]) -> list[Any]:
    """Those that are not among the others, which are scalars."""
    gone = _places(others, "")
    return [each for each in items if isinstance(each, dict | list) or each not in gone]


def _identity(item: Any, merge_key: str) -> Any:
    if not isinstance(item, dict) or merge_key not in item:
        raise PatchError(f"map: {item} does not contain declared merge key: {merge_key}")
    return item[merge_key]


def _name_of_item(item: Any, merge_key: str) -> Any:
    name = _identity(item, merge_key) if merge_key else item
    if isinstance(name, dict | list):
        raise PatchError(f"{name} is no scalar, by which items of a list are told apart")
    return name


def _kept(patch: list[Any] | None) -> list[Any]:
    """The items of a list that are no directives."""
    return [each for each in patch or () if not (isinstance(each, dict) and DIRECTIVE in each)]


def _check_order(patch: list[Any], order: list[Any], merge_key: str, key: str) -> None:
    """The patch's items must be in the order's list, in that order."""
    listed = _places(order, merge_key)
    positions = [listed.get(_name_of_item(each, merge_key), -1) for each in _kept(patch)]
    if -1 in positions or positions != sorted(positions):
        raise PatchError(
            f"The order in patch list:\n{patch}\n doesn't match {SET_ORDER}{key} list:\n{order}\n"
        )


def _reordered(merged: list[Any], before: list[Any], order: list[Any], merge_key: str) -> list[Any]:
    """Items that the patch names, in its order; the others stay before those that they stood before.

    So what is new comes first.
    """
    listed, server = _places(order, merge_key), _places(before, merge_key)
    by_name = {_name_of_item(each, merge_key): each for each in merged}
    others = deque(name for name in by_name if name not in listed)
    named = deque(name for name in listed if name in by_name)
    result = []
    while others and named:
        known = others[0] in server and named[0] in server
        first = others if known and server[others[0]] < server[named[0]] else named
        result.append(first.popleft())
    return [by_name[name] for name in (*result, *others, *named)]


def _places(items: list[Any], merge_key: str) -> dict[Any, int]:
    """Where each name comes first, in order."""
    places: dict[Any, int] = {}
    for place, each in enumerate(items):
        places.setdefault(_name_of_item(each, merge_key), place)
    return places


def _without_directives(value: Any) -> Any:
    """A value that is new to the original: only what a directive leaves counts."""
    if isinstance(value, list):
        kept = [each for each in value if not (isinstance(each, dict) and each.get(DIRECTIVE) == "delete")]
        return [_without_directives(each) for each in kept]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_directives(each)
        for key, each in value.items()
        if each is not None
        and key not in (DIRECTIVE, RETAIN_KEYS)
        and not key.startswith((SET_ORDER, DELETE_FROM))
    }
