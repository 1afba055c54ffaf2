"""Whether a schema is structural: every field has a type outside of all alternatives. Pure.

Source: pkg/apiserver/schema/{validation,complete,convert}.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, required
from apimachinery.objects import Object
from apiserver.customresources.schema.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    VALIDATIONS,
)
from apiserver.patterns import PatternError, compile_pattern

Level = Literal["root", "item", "field"]

_UNSUPPORTED = (
    "id",
    "$schema",
    "$ref",
    "patternProperties",
    "dependencies",
    "additionalItems",
    "definitions",
)
_INT_OR_STRING_ANY_OF = [{"type": "integer"}, {"type": "string"}]
_UNTYPED: dict[Level, str] = {
    "root": "must not be empty at the root",
    "item": "must not be empty for specified array items",
    "field": "must not be empty for specified object fields",
}
_FORBIDDEN_NESTED = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    PRESERVE: "must be false to be structural",
    EMBEDDED: "must be false to be structural",
    INT_OR_STRING: "must be false to be structural",
    LIST_MAP_KEYS: "must be empty to be structural",
    LIST_TYPE: "must be undefined to be structural",
    MAP_TYPE: "must be undefined to be structural",
    VALIDATIONS: "must be empty to be structural",
}
"""What alternatives may say nothing about."""
_METADATA_ONLY = (
    "must not specify anything other than name and generateName, but metadata is implicitly specified"
)


def structural_errors(schema: Object, path: Path) -> ErrorList:
    """Why a schema is not structural, in upstream's order: that of the text."""
    found = [*_invariants(schema, "root", path), *_completeness(schema, schema, path, path)]
    return sorted(found, key=str)


def unsupported(schema: Object) -> str:
    """What keeps a schema from being read as a structural one at all; empty if nothing does."""
    for word in _UNSUPPORTED:
        if schema.get(word):
            return (
                f"OpenAPIV3Schema '{word.removeprefix('$') if word == '$schema' else word}' is not supported"
            )
    if isinstance(schema.get("items"), list):
        return "OpenAPIV3Schema 'items' must be a schema, but is an array"
    if schema.get(PRESERVE) is False:
        return f"internal error: '{PRESERVE}' must be true or undefined"
    return next((text for each in subschemas(schema) if (text := unsupported(each))), "")


def subschemas(schema: Object) -> Iterator[Object]:
    """The schemas right below one, alternatives included."""
    for word in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(word), dict):
            yield schema[word]
    yield from (schema.get("properties") or {}).values()
    for word in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(word) or ()


def _invariants(schema: Object, level: Level, path: Path) -> Errors:
    kind, items, values = schema.get("type") or "", schema.get("items"), schema.get("additionalProperties")
    if kind == "array" and items is None:
        yield required(path.child("items"), "must be specified")
    if isinstance(items, dict):
        yield from _invariants(items, "item", path.child("items"))
    properties = schema.get("properties") or {}
    for name, each in properties.items():
        yield from _invariants(each, "field", path.child("properties").key(name))
    if values is not None and level == "root":
        yield forbidden(path.child("additionalProperties"), "must not be used at the root")
    if isinstance(values, dict):
        yield from _invariants(values, "field", path.child("additionalProperties"))
    yield from _extensions(schema, path)
    yield from _value_rules(schema, level, path, skip_any=_is_int_or_string(schema))
    yield from _type(schema, level, path)
    if schema.get(EMBEDDED) and values is not None:
        text = f"must not be used if {EMBEDDED} is set"
        yield forbidden(path.child("additionalProperties"), text)
    yield from _meta_fields(properties, level, bool(schema.get(EMBEDDED)), path.child("properties"))
    if schema.get(EMBEDDED) and not schema.get(PRESERVE) and not properties:
        text = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        yield required(path.child("properties"), text)


def _extensions(schema: Object, path: Path) -> Errors:
    if schema.get(INT_OR_STRING):
        for word in (PRESERVE, EMBEDDED):
            if schema.get(word):
                yield invalid(path.child(word), True, f"must be false if {INT_OR_STRING} is true")


def _type(schema: Object, level: Level, path: Path) -> Errors:
    kind, at = schema.get("type") or "", path.child("type")
    if schema.get(EMBEDDED) and kind != "object":
        text = f"must be object if {EMBEDDED} is true"
        yield invalid(at, kind, text) if kind else required(at, text)
    elif not kind and not schema.get(INT_OR_STRING) and not schema.get(PRESERVE):
        yield required(at, _UNTYPED[level])
    if level == "root" and kind and kind != "object":
        yield invalid(at, kind, "must be object at the root")


def _meta_fields(properties: Object, level: Level, embedded: bool, path: Path) -> Errors:
    is_resource = level == "root" or embedded
    for name in ("kind", "apiVersion"):
        kind = properties.get(name, {}).get("type") or ""
        if is_resource and name in properties and kind != "string":
            yield invalid(path.key(name).child("type"), kind, "must be string")
    metadata = properties.get("metadata")
    if metadata is None:
        return
    if is_resource and metadata.get("type") != "object":
        yield invalid(path.key("metadata").child("type"), metadata.get("type") or "", "must be object")
    if level == "root" and not _says_only_names(metadata):
        yield forbidden(path.key("metadata"), _METADATA_ONLY)


def _says_only_names(metadata: Object) -> bool:
    ignored = {"type", "default", "example", "externalDocs"}
    if set(metadata.get("properties") or ()) <= {"name", "generateName"}:
        ignored.add("properties")
    return not any(value for word, value in metadata.items() if word not in ignored)


def _is_int_or_string(schema: Object) -> bool:
    return schema.get("anyOf") == _INT_OR_STRING_ANY_OF


def _value_rules(schema: Object, level: Level, path: Path, *, skip_any: bool) -> Errors:
    """Alternatives, and the pattern. int-or-string may say its types in anyOf, or in the first of allOf."""
    skip_first = any(_is_int_or_string(each) for each in (schema.get("allOf") or ())[:1])
    for word in ("anyOf", "allOf", "oneOf"):
        for index, each in enumerate(schema.get(word) or ()):
            if word != "anyOf" or not skip_any:
                skip = word == "allOf" and index == 0 and skip_first
                yield from _nested(each, level, path.child(word).index(index), skip_any=skip)
    if schema.get("not"):
        yield from _nested(schema["not"], level, path.child("not"))
    if pattern := schema.get("pattern"):
        try:
            compile_pattern(pattern)
        except PatternError as error:
            text = f"must be a valid regular expression, but isn't: {error}"
            yield invalid(path.child("pattern"), pattern, text)


def _nested(schema: Object, level: Level, path: Path, *, skip_any: bool = False) -> Errors:
    yield from _value_rules(schema, level, path, skip_any=skip_any)
    if isinstance(schema.get("items"), dict):
        yield from _nested(schema["items"], level, path.child("items"))
    for name, each in (schema.get("properties") or {}).items():
        yield from _nested(each, "field", path.child("properties").key(name))
    for word, text in _FORBIDDEN_NESTED.items():
        if schema.get(word):
            yield forbidden(path.child(word), text)
    if "metadata" in (schema.get("properties") or {}):
        text = "must not be specified in a nested context"
        yield forbidden(path.child("properties").key("metadata"), text)


def _completeness(rules: Object, schema: Object, at: Path, path: Path) -> Errors:
    """What alternatives say something about must be there outside of them."""
    if rules.get("not"):
        yield from _nested_completeness(rules["not"], schema, at, path.child("not"))
    for word in ("allOf", "anyOf", "oneOf"):
        for index, each in enumerate(rules.get(word) or ()):
            yield from _nested_completeness(each, schema, at, path.child(word).index(index))


def _nested_completeness(rules: Object, schema: Object | None, at: Path, path: Path) -> Errors:
    if schema is None:
        yield required(at, f"because it is defined in {path}")
        return
    yield from _completeness(rules, schema, at, path)
    if isinstance(rules.get("items"), dict):
        items = schema.get("items")
        yield from _nested_completeness(rules["items"], items, at.child("items"), path.child("items"))
    for name, each in (rules.get("properties") or {}).items():
        inner = (schema.get("properties") or {}).get(name)
        steps = (at.child("properties").key(name), path.child("properties").key(name))
        yield from _nested_completeness(each, inner, *steps)
