"""The functions of templates: those that Go has of its own, and kubectl's."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from typing import Any

from kubectl.printers.go_values import text_of


def is_true(value: Any) -> bool:
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else value[key]
    return value


def _printf(form: str, *values: Any) -> str:
    """With Python's `%`, which knows neither `v` nor `q`."""
    verbs = [verb for verb in re.findall(r"%[-+# 0]*\d*(?:\.\d+)?(.)", form) if verb != "%"]
    python = re.sub(r"%([-+# 0]*\d*(?:\.\d+)?)[vq]", lambda match: f"%{match[1]}s", form)
    return python % tuple(_shown(verb, each) for verb, each in zip(verbs, values, strict=True))


def _shown(verb: str, value: Any) -> Any:
    if verb == "q":
        return json.dumps(text_of(value), ensure_ascii=False)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text_of(value)


def _first_false(*values: Any) -> Any:
    return next((each for each in values if not is_true(each)), values[-1])


def _first_true(*values: Any) -> Any:
    return next((each for each in values if is_true(each)), values[-1])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "index": _index,
    "print": lambda *values: "".join(text_of(each) for each in values),
    "println": lambda *values: " ".join(text_of(each) for each in values) + "\n",
    "printf": _printf,
    "not": lambda value: not is_true(value),
    "and": _first_false,
    "or": _first_true,
    "eq": lambda first, *others: first in others,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
    "slice": lambda value, *bounds: value[slice(*bounds)],
    "base64decode": lambda text: base64.b64decode(text, validate=True).decode(),
    "exists": lambda value, *keys: _index(value, *keys) is not None,
}
DECIDING: dict[Callable[..., Any] | None, bool] = {_first_false: False, _first_true: True}
"""Functions that look at no argument after one that is so."""
