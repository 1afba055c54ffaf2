"""Each place of a schema: what may be said there, and what goes together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from apimachinery.field import Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.objects import Object
from apiserver.customresources.schema.structural import (
    EMBEDDED,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    META_FIELDS,
    PRESERVE,
    VALIDATIONS,
)
from apiserver.customresources.validation.rules import validate_rules

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
_LIST_TYPES, _MAP_TYPES = ("atomic", "set", "map"), ("atomic", "granular")
_KEY_NEEDS_VALUE = (
    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
)
_KEY_NOT_NULLABLE = "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a schema a node stands, as far as that limits what it may say."""

    is_root: bool = False
    inside_metadata: bool = False
    no_defaults: str | None = None
    """Why there may be no defaults; None if there may be."""


_INSIDE_VALUES = "inside additionalProperties applying to object metadata"


def validate_node(schema: Object, path: Path, place: Place) -> Errors:
    """Every error of a node and of all below it."""
    yield from _words(schema, path, place)
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(path.child("uniqueItems"), detail)
    yield from _children(schema, path, replace(place, is_root=False), is_root=place.is_root)
    if schema.get(PRESERVE) is False:
        yield invalid(path.child(PRESERVE), False, "must be true or undefined")
    yield from _map_type(schema, path)
    yield from _list_type(schema, path)
    if schema.get(LIST_TYPE) == "map":
        yield from _map_list(schema, path)
    if isinstance(schema.get("items"), dict) and schema.get(LIST_TYPE) in ("set", "map"):
        yield from _unique_items(schema, schema["items"], path.child("items"))
    yield from validate_rules(schema, path.child(VALIDATIONS))


def _words(schema: Object, path: Path, place: Place) -> Errors:
    kind = schema.get("type") or ""
    if kind and kind not in _TYPES:
        yield not_supported(path.child("type"), kind, _TYPES)
    if schema.get("default") is not None and place.no_defaults is not None:
        yield forbidden(path.child("default"), f"must not be set {place.no_defaults}".strip())
    for word in _UNSUPPORTED:
        if schema.get(word):
            yield forbidden(path.child(word), f"{word} is not supported")
    if kind == "null":
        yield forbidden(path.child("type"), "type cannot be set to null, use nullable as an alternative")
    if isinstance(schema.get("items"), list):
        yield forbidden(path.child("items"), "items must be a schema object and not an array")
    if place.inside_metadata and schema.get(EMBEDDED):
        yield forbidden(path.child(EMBEDDED), "must not be used inside of resource meta")


def _children(schema: Object, path: Path, place: Place, *, is_root: bool) -> Errors:
    values, properties = schema.get("additionalProperties"), schema.get("properties") or {}
    if properties and values is not None and values is not True:
        detail = "additionalProperties and properties are mutual exclusive"
        yield forbidden(path.child("additionalProperties"), detail)
    if isinstance(values, dict):
        inner = replace(place, no_defaults=_INSIDE_VALUES) if place.inside_metadata else place
        yield from validate_node(values, path.child("additionalProperties"), inner)
    for name, each in properties.items():
        inner = place
        if (is_root or schema.get(EMBEDDED)) and name in META_FIELDS:
            inner = replace(place, inside_metadata=True)
            if is_root:
                inner = replace(inner, no_defaults=f"in top-level {name}")
        yield from validate_node(each, path.child("properties").key(name), inner)
    if schema.get("not"):
        yield from validate_node(schema["not"], path.child("not"), place)
    for word in ("allOf", "oneOf", "anyOf"):
        for index, each in enumerate(schema.get(word) or ()):
            yield from validate_node(each, path.child(word).index(index), place)
    if isinstance(schema.get("items"), dict):
        yield from validate_node(schema["items"], path.child("items"), place)


def _map_type(schema: Object, path: Path) -> Errors:
    map_type = schema.get(MAP_TYPE)
    if map_type is None:
        return
    yield from _demand_type(schema, path, "object", MAP_TYPE)
    if map_type not in _MAP_TYPES:
        yield not_supported(path.child(MAP_TYPE), map_type, _MAP_TYPES)


def _demand_type(schema: Object, path: Path, wanted: str, word: str) -> Errors:
    kind, detail = schema.get("type") or "", f"must be {wanted} if {word} is specified"
    if not kind:
        yield required(path.child("type"), detail)
    elif kind != wanted:
        yield invalid(path.child("type"), kind, detail)


def _list_type(schema: Object, path: Path) -> Errors:
    list_type, items, keys = schema.get(LIST_TYPE), schema.get("items"), schema.get(LIST_MAP_KEYS)
    if list_type is not None:
        yield from _demand_type(schema, path, "array", LIST_TYPE)
        if list_type == "set" and schema.get("type") == "array" and isinstance(items, dict):
            yield from _atomic_items(items, path.child("items"))
        if list_type not in _LIST_TYPES:
            yield not_supported(path.child(LIST_TYPE), list_type, _LIST_TYPES)
    if keys and list_type != "map":
        detail = f"must be map if {LIST_MAP_KEYS} is non-empty"
        at = path.child(LIST_TYPE)
        yield required(at, detail) if list_type is None else invalid(at, list_type, detail)


def _atomic_items(items: Object, path: Path) -> Errors:
    detail = f"must be atomic as item of a list with {LIST_TYPE}=set"
    if items.get("type") == "array" and items.get(LIST_TYPE) not in (None, "atomic"):
        yield invalid(path.child(LIST_TYPE), items[LIST_TYPE], detail)
    if items.get("type") == "object" and items.get(MAP_TYPE) != "atomic":
        yield invalid(path.child(MAP_TYPE), items.get(MAP_TYPE), detail)


def _map_list(schema: Object, path: Path) -> Errors:
    keys: list[str] = schema.get(LIST_MAP_KEYS) or []
    items = schema.get("items")
    if not keys:
        yield required(path.child(LIST_MAP_KEYS), f"must not be empty if {LIST_TYPE} is map")
    if items is None:
        yield required(path.child("items"), f"must have a schema if {LIST_TYPE} is map")
        return
    if not isinstance(items, dict):
        return
    if items.get("type") != "object":
        detail = f"must be object if parent array's {LIST_TYPE} is map"
        yield invalid(path.child("items", "type"), items.get("type") or "", detail)
        return
    for index, key in enumerate(keys):
        field, at = (items.get("properties") or {}).get(key), path.child("items", "properties").key(key)
        if field is None:
            yield invalid(path.child(LIST_MAP_KEYS), keys, "entries must all be names of item properties")
        elif field.get("type") in ("array", "object"):
            detail = f"must be a scalar type if parent array's {LIST_TYPE} is map"
            yield invalid(at.child("type"), items["type"], detail)
        if key in keys[:index]:
            yield invalid(path.child(LIST_MAP_KEYS), keys, "must not contain duplicate entries")


def _unique_items(schema: Object, items: Object, path: Path) -> Errors:
    """Neither items nor their keys may be null, or left open."""
    if items.get("nullable"):
        detail = f"cannot be nullable when {LIST_TYPE} is {schema[LIST_TYPE]}"
        yield forbidden(path.child("nullable"), detail)
    for key in schema.get(LIST_MAP_KEYS) or () if schema[LIST_TYPE] == "map" else ():
        field, at = (items.get("properties") or {}).get(key), path.child("properties").key(key)
        if field is None:
            continue
        if key not in (items.get("required") or ()) and field.get("default") is None:
            yield required(at.child("default"), _KEY_NEEDS_VALUE)
        if field.get("nullable"):
            yield forbidden(at.child("nullable"), _KEY_NOT_NULLABLE)
