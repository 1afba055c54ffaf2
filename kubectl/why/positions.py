"""On which line of a manifest a field stands, by its path as errors name it: `spec.containers[0].comand`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

Positions = Mapping[str, int]


def positions_of(text: str, kind: str, name: str) -> Positions:
    """Of the document with that kind and name; nothing if there is none, or the text is no YAML."""
    try:
        documents = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
    except yaml.YAMLError:
        return {}
    for document in documents:
        found = dict(_walk(document, ""))
        values = {path: value for path, (_, value) in found.items()}
        if (values.get("kind"), values.get("metadata.name")) == (kind, name):
            return {path: line for path, (line, _) in found.items()}
    return {}


def line_of(positions: Positions, path: str) -> int:
    """Of the field, or of the nearest one around it that is there; 0 if nothing is known."""
    while path:
        if path in positions:
            return positions[path]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 0


def _walk(node: Any, path: str) -> Iterator[tuple[str, tuple[int, str]]]:
    """Every field with its line and, if it is one, its scalar."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{path}.{key.value}" if path else str(key.value)
            scalar = value.value if isinstance(value, yaml.ScalarNode) else ""
            yield inner, (key.start_mark.line + 1, scalar)
            yield from _walk(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = f"{path}[{index}]"
            yield inner, (value.start_mark.line + 1, "")
            yield from _walk(value, inner)
