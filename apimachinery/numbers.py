"""Numbers as Go's JSON has them: which are whole, which are floating, and how they are written.

Source: https://github.com/kubernetes-sigs/json/blob/main/internal/golang/encoding/json/decode.go
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

MAX_INT64, MIN_INT64 = 2**63 - 1, -(2**63)
MAX_SAFE = 2**53 - 1
"""Up to here a float tells each whole number from its neighbours."""


def settle_numbers(value: Any) -> Any:
    """What a decoder makes of numbers that no type is known for, in place; the value itself for what is none.

    Whole ones beyond 64 bits are floats. A float that is whole is written without its point and is read
    as whole the next time; so it is at once.
    """
    kind = type(value)
    if kind is dict:
        for key, each in value.items():
            if type(each) in _MAY_CHANGE:
                value[key] = settle_numbers(each)
    elif kind is list:
        for index, each in enumerate(value):
            if type(each) in _MAY_CHANGE:
                value[index] = settle_numbers(each)
    elif kind is int:
        return value if MIN_INT64 <= value <= MAX_INT64 else float(value)
    elif kind is float:
        return int(value) if abs(value) <= MAX_SAFE and value.is_integer() else value
    return value


_MAY_CHANGE = frozenset((dict, list, int, float))


def go_number(value: float) -> str:
    """As encoding/json writes it: digits only, but for what is very large or very small."""
    if isinstance(value, int):
        return str(value)
    if value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa.removesuffix('.0')}e{exponent[0]}{exponent[1:].lstrip('0')}"
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def from_float(value: float) -> int | float:
    """A number that goes through Go's JSON as text: whole where its digits say so."""
    whole = Decimal(repr(value))
    return int(whole) if value.is_integer() and MIN_INT64 <= whole <= MAX_INT64 else value
