"""`format` of cel-go's ext.Strings, version 2, which writes numbers as people in the United States do.

Source: ext/formatting.go of cel-go.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import orjson

CLAUSE = re.compile(r"%(?:%|(\.\d+)?(.?))", re.DOTALL)
_PRECISION = 6
_SUPERSCRIPTS = str.maketrans("0123456789-+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺")
_ESCAPES = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
_ESCAPES |= {"\\": r"\\", '"': r"\""}


_OF_TEXTS = "strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps"
VERB_PROBLEMS = {
    "s": f"string clause can only be used on {_OF_TEXTS}",
    "d": "decimal clause can only be used on integers",
    "f": "fixed-point clause can only be used on doubles",
    "e": "scientific clause can only be used on doubles",
    "b": "only integers and bools can be formatted as binary",
    "o": "octal clause can only be used on integers",
    "x": "only integers, byte buffers, and strings can be formatted as hex",
    "X": "only integers, byte buffers, and strings can be formatted as hex",
}
"""What is said of values that a verb cannot show."""


def quoted(text: str) -> str:
    return f'"{"".join(_ESCAPES.get(each, each) for each in text)}"'


def formatted(template: str, arguments: Sequence[Any]) -> str:
    """%s %d %f %e %b %x %X %o, and %%; a precision for %f and %e."""
    position = count()

    def clause(found: re.Match[str]) -> str:
        precision, verb = found[1], found[2]
        if verb is None:
            return "%"
        index = next(position)
        if index >= len(arguments):
            raise ValueError(f"index {index} out of range")
        if not verb:
            raise ValueError("unexpected end of string")
        formatter = _VERBS.get(verb)
        if formatter is None:
            raise ValueError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
        return formatter(arguments[index], int(precision[1:]) if precision else _PRECISION)

    return CLAUSE.sub(clause, template)


def _refuse(verb: str, value: Any) -> ValueError:
    return ValueError(f"error during formatting: {VERB_PROBLEMS[verb]}, was given {_kind(value)}")


def _decimal(value: Any, _: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse("d", value)
    return str(value)


def _number(verb: str, value: Any) -> float:
    if not isinstance(value, float) and value not in ("NaN", "Infinity", "-Infinity"):
        raise _refuse(verb, value)
    return float(value)


def _fixed(value: Any, precision: int) -> str:
    number = _number("f", value)
    return _unusual(number) or f"{number:,.{precision}f}"


def _scientific(value: Any, precision: int) -> str:
    number = _number("e", value)
    mantissa, _, exponent = f"{number:.{precision}e}".partition("e")
    return (
        _unusual(number)
        or f"{mantissa}\u202f\u00d7\u202f10{exponent.removeprefix('+').translate(_SUPERSCRIPTS)}"
    )


def _unusual(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return ("∞" if number > 0 else "-∞") if math.isinf(number) else ""


def _binary(value: Any, _: int) -> str:
    if not isinstance(value, int):
        raise _refuse("b", value)
    return f"{value:b}"


def _octal(value: Any, _: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse("o", value)
    return f"{value:o}"


def _hexadecimal(value: Any, _: int) -> str:
    if isinstance(value, str):
        return value.encode().hex()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, bool) or not isinstance(value, int):
        raise _refuse("x", value)
    return f"{value:x}"


_VERBS: dict[str, Callable[[Any, int], str]] = {
    "s": lambda value, _: _text(value),
    "d": _decimal,
    "f": _fixed,
    "e": _scientific,
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value, precision: _hexadecimal(value, precision).upper(),
}


def _text(value: Any) -> str:
    """A value as %s shows it."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray)):
        return value.decode(errors="replace")
    if isinstance(value, list):
        return f"[{', '.join(map(_inner, value))}]"
    if isinstance(value, dict):
        entries = sorted((_inner(key), _inner(each)) for key, each in value.items())
        return f"{{{', '.join(f'{key}:{each}' for key, each in entries)}}}"
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, timedelta):
        return f"{Decimal(repr(value.total_seconds())).normalize():f}s"
    if isinstance(value, float):
        return _shortest(value)
    return orjson.dumps(value).decode() if value is None or isinstance(value, (bool, int)) else str(value)


def _inner(value: Any) -> str:
    """As it stands in a list or a map: as an expression would say it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, (bytes, bytearray)):
        return f"b{quoted(_text(value))}"
    if isinstance(value, datetime):
        return f'timestamp("{_text(value)}")'
    if isinstance(value, timedelta):
        return f'duration("{_text(value)}")'
    if isinstance(value, float):
        return f"{value:.{_PRECISION}f}" if math.isfinite(value) else quoted(_text(value))
    return _text(value)


def _moment(value: datetime) -> str:
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return f"{value:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _shortest(number: float) -> str:
    """As strconv.FormatFloat(number, 'g', -1, 64) of Go."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else f"{number:+}".replace("inf", "Inf")
    digits = Decimal(repr(number)).normalize()
    return f"{digits:f}" if -4 <= digits.adjusted() < 6 or not digits else _with_exponent(digits)


def _with_exponent(digits: Decimal) -> str:
    mantissa = digits.scaleb(-digits.adjusted()).normalize()
    return f"{mantissa:f}e{digits.adjusted():+03d}"


def _kind(value: Any) -> str:
    names = {bool: "bool", int: "int", float: "double", str: "string", list: "list", dict: "map"}
    names |= {type(None): "null_type", datetime: "google.protobuf.Timestamp"}
    names |= {timedelta: "google.protobuf.Duration", bytearray: "bytes", bytes: "bytes"}
    return names.get(type(value), "unknown")
