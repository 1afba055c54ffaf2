"""Dropping what a structural schema does not know.

Source: pkg/apiserver/schema/pruning/algorithm.go of k8s.io/apiextensions-apiserver.
"""

from __future__ import annotations

from typing import Any

from apiserver.customresources.schema.structural import META_FIELDS, Structural

Way = list[str | int]
"""The steps to a field, from the inside out."""


def prune(value: Any, schema: Structural) -> list[str]:
    """Drops unknown fields in place; returns their paths. apiVersion, kind and metadata are left alone."""
    found: list[Way] = []
    _prune(value, schema, found)
    return sorted(path_of(way) for way in found)


def path_of(way: Way) -> str:
    """`spec.list[0].field`"""
    text = ""
    for step in reversed(way):
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _prune(value: Any, schema: Structural | None, found: list[Way]) -> None:
    """Appends the ways of what goes, relative to `value`."""
    if isinstance(value, dict):
        _prune_object(value, schema, found)
    elif isinstance(value, list):
        items = schema.items if schema else None
        if schema is not None and schema.preserves and items is None:
            return
        for index, each in enumerate(value):
            if isinstance(each, (dict, list)):
                _descend(each, items, index, found, preserves=schema is not None and schema.preserves)


def _prune_object(value: dict[str, Any], schema: Structural | None, found: list[Way]) -> None:
    unknown: list[str] = []
    for name, each in value.items():
        if schema is None:
            unknown.append(name)
            continue
        if schema.is_resource and name in META_FIELDS:
            continue
        known = name in schema.properties
        if not known and not schema.allows_additional:
            if not schema.preserves:
                unknown.append(name)
            continue
        if isinstance(each, (dict, list)):
            _descend(each, schema.child(name), name, found)
    for name in unknown:
        del value[name]
        found.append([name])


def _descend(
    value: Any, schema: Structural | None, step: str | int, found: list[Way], *, preserves: bool = False
) -> None:
    """`preserves`: items of a list that keeps what it does not know keep that, too."""
    before = len(found)
    if preserves and isinstance(value, dict) and schema is not None:
        _prune_known(value, schema, found)
    else:
        _prune(value, schema, found)
    for way in found[before:]:
        way.append(step)


def _prune_known(value: dict[str, Any], schema: Structural, found: list[Way]) -> None:
    """Inside of the fields that the schema has; others stay."""
    for name, each in value.items():
        inner = schema.child(name)
        if inner is not None and isinstance(each, (dict, list)):
            _descend(each, inner, name, found)
