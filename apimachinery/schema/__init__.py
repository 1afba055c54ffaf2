"""Upstream's schema of every built-in kind, as data, and what is compiled from it."""

from __future__ import annotations

import functools
import gzip
from importlib import resources
from typing import Any

import orjson

from apimachinery.schema.checker import CLEAN, Checked, Checker, TypeProblem, compile_checker
from apimachinery.schema.node import SchemaNode, SchemaSet

__all__ = [
    "CLEAN", "Checked", "Checker", "SchemaNode", "SchemaSet", "TypeProblem", "builtin", "checker_for",
    "compile_checker", "definition_name", "definitions_with_defaults", "raw_definitions",
]  # fmt: skip

_FILE = "definitions-1.34.json.gz"
_DEFAULTS = "defaults-1.34.txt"
"""What OpenAPI v3 tells beyond v2: a line a definition, `<name> {"<field>":<default>,…}`."""


def raw_definitions() -> dict[str, Any]:
    """The definitions with their descriptions, for OpenAPI. Read anew each time: they are large."""
    packed = (resources.files(__package__) / _FILE).read_bytes()
    definitions: dict[str, Any] = orjson.loads(gzip.decompress(packed))["definitions"]
    return definitions


def definitions_with_defaults() -> dict[str, Any]:
    """The definitions, their fields with `default`, which OpenAPI v2 leaves out."""
    definitions = raw_definitions()
    for line in (resources.files(__package__) / _DEFAULTS).read_text().splitlines():
        name, _, values = line.partition(" ")
        fields = definitions[name]["properties"]
        for field, value in orjson.loads(values).items():
            fields[field]["default"] = value
    return definitions


@functools.cache
def builtin() -> SchemaSet:
    """The schema of the built-in kinds, without descriptions."""
    return SchemaSet({name: _undescribed(raw) for name, raw in definitions_with_defaults().items()})


def _undescribed(raw: dict[str, Any]) -> dict[str, Any]:
    """Leaves out the texts, which are most of the memory. A field may itself be called description."""
    result = {key: value for key, value in raw.items() if key != "description"}
    if "properties" in raw:
        result["properties"] = {name: _undescribed(value) for name, value in raw["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(raw.get(key), dict):
            result[key] = _undescribed(raw[key])
    return result


def definition_name(api_version: str, kind: str) -> str | None:
    """The name of a built-in kind's definition, or None if there is no such kind."""
    node = builtin().find(api_version, kind)
    return node.definition_name if node else None


@functools.cache
def checker_for(api_version: str, kind: str) -> Checker | None:
    """The compiled checker of a built-in kind, or None if there is no such kind."""
    node = builtin().find(api_version, kind)
    return compile_checker(node) if node else None
