"""OpenAPI v2 of other servers merged into ours: their paths, and the definitions that these refer to.

Source: pkg/aggregator of kubernetes/kube-openapi, as kube-aggregator 1.34 uses it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import orjson

from apimachinery.objects import Object

_DEFINITIONS, _PARAMETERS = "#/definitions/", "#/parameters/"
_KINDS = "x-kubernetes-group-version-kind"


@dataclass(frozen=True, slots=True)
class Part:
    """What a document says of one version of a group. `digest` changes with it."""

    paths: Mapping[str, Object]
    definitions: Mapping[str, Object]
    digest: str


def part_of(document: Object, path: str) -> Part:
    """`path` is that of a group's version; definitions that nothing there refers to are left out."""
    shared = document.get("parameters") or {}
    paths = {
        each: _with_parameters(item, shared)
        for each, item in (document.get("paths") or {}).items()
        if each.rstrip("/") == path or each.startswith(f"{path}/")
    }
    definitions = _reachable(paths, document.get("definitions") or {})
    told = orjson.dumps([paths, definitions], option=orjson.OPT_SORT_KEYS)
    return Part(paths, definitions, hashlib.sha256(told).hexdigest())


def _with_parameters(value: Any, shared: Mapping[str, Object]) -> Any:
    """A path's item, in which parameters that are declared elsewhere stand themselves."""
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PARAMETERS):
            return shared[reference.removeprefix(_PARAMETERS)]
        return {key: _with_parameters(each, shared) for key, each in value.items()}
    return [_with_parameters(each, shared) for each in value] if isinstance(value, list) else value


def _reachable(paths: Mapping[str, Object], definitions: Mapping[str, Object]) -> dict[str, Object]:
    found: dict[str, Object] = {}
    waiting = [*_references(paths)]
    while waiting:
        name = waiting.pop()
        if name in definitions and name not in found:
            found[name] = definitions[name]
            waiting += _references(definitions[name])
    return found


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
            yield reference.removeprefix(_DEFINITIONS)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def merged(document: Object, parts: Iterable[Part]) -> Object:
    """Paths that there are already stay ours; definitions of one name that differ get names of their own."""
    paths, definitions = dict(document["paths"]), dict(document["definitions"])
    for part in parts:
        names = _names(part.definitions, definitions)
        for name, definition in part.definitions.items():
            definitions.setdefault(names[name], _renamed(definition, names))
        for path, item in part.paths.items():
            paths.setdefault(path, _renamed(item, names))
    return document | {"paths": dict(sorted(paths.items())), "definitions": definitions}


def _names(new: Mapping[str, Object], known: Mapping[str, Object]) -> dict[str, str]:
    """What each of the new definitions is to be called."""
    names = {}
    for name, definition in new.items():
        candidates = (name if number == 1 else f"{name}_v{number}" for number in count(1))
        names[name] = next(
            each for each in candidates if each not in known or _is_same(known[each], definition)
        )
    return names


def _is_same(one: Object, other: Object) -> bool:
    """Which kinds a definition is of, servers tell differently, and it makes no difference."""
    return {**one, _KINDS: None} == {**other, _KINDS: None}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _renamed_item(key, each, names) for key, each in value.items()}
    return [_renamed(each, names) for each in value] if isinstance(value, list) else value


def _renamed_item(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key == "$ref" and isinstance(value, str):
        name = value.removeprefix(_DEFINITIONS)
        return f"{_DEFINITIONS}{names.get(name, name)}"
    return _renamed(value, names)
