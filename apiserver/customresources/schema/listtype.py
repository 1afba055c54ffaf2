"""What sets and map lists promise: no item twice, no keys twice.

Source: pkg/apiserver/schema/listtype/validation.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from apimachinery.field import FieldError, Path, duplicate, invalid
from apiserver.customresources.schema.structural import Structural

_ROOT = Path()
_NOT_AN_OBJECT = "must be an object for an array of list-type map"


def validate_lists(value: Any, schema: Structural | None, path: Path = _ROOT) -> Iterable[FieldError]:
    """Every list in `value` whose items are not as unique as its type says."""
    if schema is None:
        return
    if isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, (dict, list)):
                at = path.child(name) if name in schema.properties else path.key(name)
                yield from validate_lists(each, schema.child(name), at)
    elif isinstance(value, list):
        if schema.list_type == "set":
            yield from _repeated(value, path)
        elif schema.list_type == "map":
            yield from _validate_map(value, schema, path)
        for index, each in enumerate(value):
            yield from validate_lists(each, schema.items, path.index(index))


def _validate_map(value: list[Any], schema: Structural, path: Path) -> Iterable[FieldError]:
    strange = next((at for at, x in enumerate(value) if x is not None and not isinstance(x, dict)), None)
    if strange is not None:
        yield invalid(path.index(strange), value[strange], _NOT_AN_OBJECT)
        return
    keys = [{key: (each or {})[key] for key in schema.list_map_keys if key in (each or {})} for each in value]
    yield from _repeated(keys, path)


def _repeated(identities: Sequence[Any], path: Path) -> Iterable[FieldError]:
    """One error for each identity that comes again, where it does so first."""
    seen: dict[bytes, int] = {}
    for index, identity in enumerate(identities):
        key = orjson.dumps(identity, option=orjson.OPT_SORT_KEYS)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            yield duplicate(path.index(index), identity)
