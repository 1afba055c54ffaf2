"""Configurations of the wrong shape: each field in turn holds all sorts of values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from component_base.config_shape import ListOf, MapOf, Shape, Struct

VALUES: tuple[Any, ...] = (
    None, True, 5, -1, 1.5, 2.0, 1 << 40, "", "x", [], ["x"], [5], [None], [[]], [{}], {}, {"a": 5},
    {"a": "x"}, {"a": {"b": 1}}, {"a": None},
)  # fmt: skip


def misshapen(shape: Shape) -> Iterator[Any]:
    """Values that hold one of these somewhere, some of which may be right."""
    yield from VALUES
    if isinstance(shape, ListOf):
        yield from ([each] for each in misshapen(shape.item))
    elif isinstance(shape, MapOf):
        yield from ({"a": each} for each in misshapen(shape.value))
    elif isinstance(shape, Struct):
        for name, field in shape.fields.items():
            yield from ({name: each} for each in misshapen(field))
