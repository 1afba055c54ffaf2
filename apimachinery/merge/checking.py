"""Whether an object fits its shape, in upstream's words: what an apply is refused with.

Source: typed/validate.go of structured-merge-diff, and what Go's formatting makes of its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from apimachinery.go_values import go_text, go_type
from apimachinery.merge.fields import path_text, value_text
from apimachinery.merge.shape import ListShape, MapShape, Scalar, Shape, ShapeError


def check(value: Any, shape: Shape, *, duplicates: bool = False) -> None:
    """Raises ShapeError with all that is wrong. `duplicates`: whether sets and list maps may have them."""
    problems = list(_problems(value, shape, duplicates))
    if len(problems) > 1:
        raise ShapeError("\n".join(["errors:", *(f"  {each}" for each in problems)]))
    if problems:
        raise ShapeError(problems[0])


def _problems(value: Any, shape: Shape, duplicates: bool) -> Iterator[str]:
    if value is None:
        return
    part = shape.part_for(value)
    if isinstance(part, MapShape):
        yield from _in_map(value, part, duplicates)
    elif isinstance(part, ListShape):
        yield from _in_list(value, part, duplicates)
    elif (problem := _of_scalar(value, part)) is not None:
        yield problem


def _in_map(value: Any, shape: MapShape, duplicates: bool) -> Iterator[str]:
    if type(value) is not dict:
        yield f"expected map, got {_shown(value)}"
        return
    for name, each in value.items():
        child = shape.child(name)
        if child is None:
            yield f".{name}: field not declared in schema"
            return
        yield from (_within(f".{name}", problem) for problem in _problems(each, child, duplicates))


def _in_list(value: Any, shape: ListShape, duplicates: bool) -> Iterator[str]:
    if type(value) is not list:
        yield f"expected list, got {_shown(value)}"
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        place = f"[{index}]"
        if not shape.atomic:
            try:
                step = shape.step(item)
            except ShapeError as error:
                yield f"element {index}: {error}"
                return
            place = path_text((step,))
            if step in seen and not duplicates:
                yield f"duplicate entries for key {place}"
            seen.add(step)
        yield from (_within(place, problem) for problem in _problems(item, shape.items, duplicates))


def _within(place: str, problem: str) -> str:
    """The problem as seen from further up: its path grows at the front."""
    return f"{place}{problem}" if problem.startswith((".", "[")) else f"{place}: {problem}"


def _of_scalar(value: Any, scalar: Scalar | str) -> str | None:
    kind = type(value)
    match scalar:
        case "numeric" if kind not in (int, float):
            return f"expected numeric (int or float), got {go_type(value)}"
        case "string" if kind is not str:
            return f"expected string, got &value.valueUnstructured{{Value:{_go_syntax(value)}}}"
        case "boolean" if kind is not bool:
            return f"expected boolean, got {_shown(value)}"
        case "untyped" if kind in (dict, list):
            return f"expected any scalar, got {_shown(value)}"
    return None


def _shown(value: Any) -> str:
    """Go's `%v` of a pointer to a struct that holds the value."""
    return f"&{{{go_text(value)}}}"


def _go_syntax(value: Any) -> str:
    """Go's `%#v`."""
    if isinstance(value, dict):
        inner = ", ".join(f"{value_text(key)}:{_go_syntax(value[key])}" for key in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(_go_syntax, value))}}}"
    return "interface {}(nil)" if value is None else value_text(value)
