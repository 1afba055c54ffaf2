"""Checks of single values: what upstream's decoders accept, in their words.

A check is called with a value and answers None (fine), a Fault, or a Replacement for a value that is
accepted but is written differently (a number for a quantity).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from apimachinery.go_values import go_kind, go_type, json_kind
from apimachinery.numbers import go_number
from apimachinery.quantity import FORMAT_MESSAGE, Quantity, QuantityError
from apimachinery.times import parse_time


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong. With a Go type the message is completed with the path when that is known."""

    text: str
    go_type: str = ""
    value: Any = None

    @property
    def conversion(self) -> str:
        """What Go's converter of maps says, which the result of a strategic patch goes through."""
        if not self.go_type:
            return self.text
        kind = go_kind(self.value)
        if self.go_type.startswith("map["):
            return f"cannot restore map from {kind}"
        if self.go_type.startswith("[]"):
            return f"cannot restore slice from {kind}"
        if "." in self.go_type:
            return f"cannot restore struct from: {kind}"
        return f"cannot convert {go_type(self.value)} to {self.go_type}"


@dataclass(frozen=True, slots=True)
class Replacement:
    value: Any


ScalarCheck = Callable[[Any], Fault | Replacement | None]


def mismatch(value: Any, go_type: str) -> Fault:
    return Fault(f"cannot unmarshal {json_kind(value)}", go_type, value)


def integer_check(go_type: str, low: int, high: int) -> ScalarCheck:
    def check(value: Any) -> Fault | None:
        if type(value) is int and low <= value <= high:
            return None
        return Fault(f"cannot unmarshal {_shown(value)}", go_type, value)

    return check


def _shown(value: Any) -> str:
    """A number that does not fit, or the kind of what is none."""
    return f"number {go_number(value)}" if type(value) in (int, float) else json_kind(value)


check_int32 = integer_check("int32", -(2**31), 2**31 - 1)
check_int64 = integer_check("int64", -(2**63), 2**63 - 1)


def check_int_or_string(value: Any) -> Fault | None:
    if type(value) is str or (type(value) is int and -(2**31) <= value < 2**31):
        return None
    return Fault(f"json: cannot unmarshal {_shown(value)} into Go value of type int32")


def check_quantity(value: Any) -> Fault | Replacement | None:
    kind = type(value)
    try:
        if kind is str:
            Quantity.parse(value.strip())
            return None
        if kind is int or kind is float:
            Quantity.parse(value)
            return Replacement(repr(value))
    except QuantityError as error:
        return Fault(str(error))
    return Fault(FORMAT_MESSAGE)


def check_time(value: Any) -> Fault | None:
    if type(value) is not str:
        return Fault(f"json: cannot unmarshal {json_kind(value)} into Go value of type string")
    return _time_fault(value)


@lru_cache(maxsize=1024)
def _time_fault(text: str) -> Fault | None:
    try:
        parse_time(text)
    except ValueError as error:
        return Fault(str(error))
    return None


def check_bytes(value: Any) -> Fault | Replacement | None:
    """Go's decoder passes over line ends, and bytes are written without them."""
    if type(value) is not str:
        return mismatch(value, "[]uint8")
    text = value.translate(_LINE_ENDS)
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return Fault(f"illegal base64 data at input byte {_first_illegal(value)}")
    return Replacement(text) if len(text) != len(value) else None


_LINE_ENDS = dict.fromkeys(map(ord, "\r\n"))
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")


def _first_illegal(text: str) -> int:
    """Where Go's decoder gives up: the first strange character, or the end of an incomplete group."""
    for position, character in enumerate(text.rstrip("=")):
        if character not in _BASE64 and character not in "\r\n":
            return position
    return len(text.rstrip("=")) // 4 * 4


FORMATS: dict[tuple[str, str], ScalarCheck] = {
    ("integer", "int32"): check_int32,
    ("integer", "int64"): check_int64,
    ("integer", ""): check_int64,
    ("string", "int-or-string"): check_int_or_string,
    ("string", "date-time"): check_time,
    ("string", "byte"): check_bytes,
}
"""Checks by type and format; types without one here are checked by their Python type alone."""

PLAIN_TYPES: dict[str, tuple[frozenset[type], str]] = {
    "string": (frozenset((str,)), "string"),
    "boolean": (frozenset((bool,)), "bool"),
    "number": (frozenset((int, float)), "float64"),
}
"""Python types and the Go type of the rest."""
