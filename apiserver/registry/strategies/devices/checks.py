"""What claims, classes and slices of devices have in common: names, selectors, configuration.

Source: pkg/apis/resource/validation/validation.go of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid, required, too_long, too_many
from apimachinery.objects import Object
from apiserver.cel.devices import MAX_COST, compile_selector
from apiserver.cel.environment import CompilationError
from apiserver.registry.strategies.checks import matches
from apiserver.registry.strategies.podspec.volume_sources import csi_driver_name

MAX_ENTRIES = 32
"""Of requests, constraints, selectors, configurations and results."""
MAX_EXPRESSION = MAX_PARAMETERS = 10 * 1024
MAX_IDENTIFIER = 32
MAX_POOL_NAME = 253
_OMITTED = "<value omitted>"
_IDENTIFIER = "[A-Za-z_][A-Za-z0-9_]*"
_NO_IDENTIFIER = (
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric "
    "characters or '_'"
)


def each(entries: Sequence[Any], limit: int, check: Callable[[Any, Path], Errors], path: Path) -> Errors:
    """One check for every entry, unless there are too many."""
    if len(entries) > limit:
        yield too_many(path, len(entries), limit)
        return
    for index, entry in enumerate(entries):
        yield from check(entry, path.index(index))


def each_once(
    entries: Sequence[Any],
    limit: int,
    check: Callable[[Any, Path], Errors],
    path: Path,
    key: Callable[[Any], Any] = lambda entry: entry,
) -> Errors:
    """As each; no two may have the same key."""
    yield from each(entries, limit, check, path)
    seen: set[Any] = set()
    for index, entry in enumerate(entries if len(entries) <= limit else ()):
        if key(entry) in seen:
            yield duplicate(path.index(index), key(entry))
        seen.add(key(entry))


def name_of_entry(entry: Object) -> str:
    return entry.get("name") or ""


def class_name(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
    else:
        yield from matches(name, path, names.is_dns1123_subdomain)


def pool_name(name: str, path: Path) -> Errors:
    if not name:
        yield required(path)
        return
    if len(name) > MAX_POOL_NAME:
        yield too_long(path, name, MAX_POOL_NAME)
    for part in name.split("/"):
        yield from matches(part, path, names.is_dns1123_subdomain)


def qualified_name(name: str, path: Path) -> Errors:
    """`id`, or `domain/id`."""
    if not name:
        yield required(path, "name required")
        return
    domain, slash, identifier = name.rpartition("/")
    if slash and not domain:
        yield required(path, "the domain must not be empty")
    elif slash:
        yield from csi_driver_name(domain, path)
    if not identifier:
        yield required(path, "the name must not be empty")
    else:
        yield from _identifier(identifier, path)


def fully_qualified_name(name: str, path: Path) -> Errors:
    yield from qualified_name(name, path)
    if "/" not in name:
        yield invalid(path, name, "must include a domain")


def _identifier(text: str, path: Path) -> Errors:
    if len(text) > MAX_IDENTIFIER:
        yield too_long(path, text, MAX_IDENTIFIER)
    if not re.fullmatch(_IDENTIFIER, text):
        message = names.regex_message(_NO_IDENTIFIER, _IDENTIFIER, "my_name", "MY_NAME", "MyName")
        yield invalid(path, text, message)


def selector(entry: Object, path: Path) -> Errors:
    if entry.get("cel") is None:
        yield required(path.child("cel"))
        return
    text, at = entry["cel"].get("expression") or "", path.child("cel", "expression")
    if len(text.encode()) > MAX_EXPRESSION:
        yield too_long(at, text, MAX_EXPRESSION)
        return
    try:
        compiled = compile_selector(text)
    except CompilationError as error:
        yield invalid(at, text, str(error))
    else:
        if compiled.cost > MAX_COST:
            yield forbidden(at, "too complex, exceeds cost limit")


def configuration(entry: Object, path: Path) -> Errors:
    opaque, at = entry.get("opaque"), path.child("opaque")
    if opaque is None:
        yield required(at)
        return
    yield from csi_driver_name(opaque.get("driver") or "", at.child("driver"))
    yield from raw_object(opaque.get("parameters"), at.child("parameters"))


def raw_object(value: Any, path: Path) -> Errors:
    """Anything that is a JSON object, and not too long."""
    if value is None:
        yield required(path)
    elif len(orjson.dumps(value)) > MAX_PARAMETERS:
        yield too_long(path, value, MAX_PARAMETERS)
    elif not isinstance(value, dict):
        yield invalid(path, _OMITTED, "must be a valid JSON object")
