"""Strategic merge as kustomize does it: unlike the server's, items of a patch come before the others.

Source: sigs.k8s.io/kustomize/kyaml/yaml/merge2, kyaml/yaml/walk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apimachinery.objects import Object, deep_copy
from apimachinery.schema.node import SchemaNode

DIRECTIVE = "$patch"


def merged(dest: Object, patch: Object, schema: SchemaNode | None) -> Object | None:
    """The patched copy; None if the patch deletes it."""
    return _map(deep_copy(dest), deep_copy(patch), schema)


def _map(dest: Object, patch: Object, schema: SchemaNode | None) -> Object | None:
    directive = patch.get(DIRECTIVE)
    if directive == "delete":
        return None
    if directive == "replace":
        return _bare(patch)
    for key, value in patch.items():
        if key == DIRECTIVE:
            continue
        result = _value(dest.get(key), value, schema.child(key) if schema else None)
        if result is None:
            dest.pop(key, None)
        else:
            dest[key] = result
    return dest


def _value(dest: Any, patch: Any, schema: SchemaNode | None) -> Any:
    """None: nothing is left."""
    if isinstance(patch, dict):
        if isinstance(dest, dict):
            return _map(dest, patch, schema)
        return None if patch.get(DIRECTIVE) == "delete" else _bare(patch)
    if isinstance(patch, list):
        keys = _keys(schema)
        return _list(dest, patch, keys, schema) if keys and isinstance(dest, list) else patch
    return patch


def _bare(value: Object) -> Object:
    return {key: each for key, each in value.items() if key != DIRECTIVE}


def _keys(schema: SchemaNode | None) -> tuple[str, ...]:
    """The fields that tell items apart, an empty one for plain items; none where lists are replaced."""
    if schema is None or "merge" not in schema.patch_strategies:
        return ()
    return schema.list_map_keys or (schema.merge_key,)


def _list(dest: list[Any], patch: list[Any], keys: tuple[str, ...], schema: SchemaNode | None) -> Any:
    if {DIRECTIVE: "replace"} in patch:
        return [each for each in patch if each != {DIRECTIVE: "replace"}]
    if {DIRECTIVE: "delete"} in patch:
        return None
    if not keys[0]:
        return list(dict.fromkeys([*patch, *dest])) or None
    items = schema.items if schema else None
    left = list(dest)
    front: list[Any] = []
    for each in patch:
        position = next((at for at, old in enumerate(left) if _is_same(old, each, keys)), None)
        if position is None:
            front += [result for result in [_value(None, each, items)] if result]
            continue
        result = _map(left[position], each, items)
        if result is None:
            del left[position]
        elif len(keys) == 1:  # with several keys, what was there keeps its place
            del left[position]
            front.append(result)
    return [*front, *left] or None


def _is_same(old: Object, new: Object, keys: Sequence[str]) -> bool:
    """A second key that one of them does not have tells nothing."""
    pairs = [(old.get(key), new.get(key)) for key in keys]
    if any(mine is not None and other is not None and mine != other for mine, other in pairs):
        return False
    return any(mine is not None and mine == other for mine, other in pairs)
