"""Quantities: `quantity("1.5Gi")`. Their texts are canonical, for equal values must be equal."""

from __future__ import annotations

from apimachinery.quantity import Quantity, QuantityError
from apiserver.cel.libraries.function import Function, function, method

_LARGEST = 2**63 - 1


def _parsed(text: str) -> Quantity:
    """Raises ValueError."""
    try:
        return Quantity.parse(text)
    except QuantityError as error:
        raise ValueError(f"quantity parse error during conversion from string: {error}") from None


def _is_quantity(text: str) -> bool:
    try:
        Quantity.parse(text)
    except QuantityError:
        return False
    return True


def _compare(left: str, right: str) -> int:
    a, b = _parsed(left), _parsed(right)
    return (a > b) - (a < b)


def _written(quantity: Quantity) -> str:
    """The same for 1Ki and 1024."""
    return f"{quantity.nanos}n"


def _as_integer(text: str) -> int:
    if not _is_integer(text):
        raise ValueError("cannot convert value to integer")
    return _parsed(text).nanos // 10**9


def _is_integer(text: str) -> bool:
    """The largest there is stands for anything beyond it."""
    nanos = _parsed(text).nanos
    return nanos % 10**9 == 0 and -_LARGEST < nanos // 10**9 < _LARGEST


def _sign(text: str) -> int:
    return _compare(text, "0")


def _add(left: str, right: str) -> str:
    return _written(_parsed(left) + _parsed(right))


def _subtract(left: str, right: str) -> str:
    return _written(_parsed(left) - _parsed(right))


FUNCTIONS: tuple[Function, ...] = (
    function("quantity", "string", "Quantity", lambda text: _written(_parsed(text))),
    function("isQuantity", "string", "bool", _is_quantity),
    function("sign", "Quantity", "int", _sign),
    method("isGreaterThan", "Quantity Quantity", "bool", lambda left, right: _compare(left, right) > 0),
    method("isLessThan", "Quantity Quantity", "bool", lambda left, right: _compare(left, right) < 0),
    method("compareTo", "Quantity Quantity", "int", _compare),
    method("asApproximateFloat", "Quantity", "double", lambda text: float(_parsed(text))),
    method("asInteger", "Quantity", "int", _as_integer),
    method("isInteger", "Quantity", "bool", _is_integer),
    method("add", "Quantity Quantity", "Quantity", _add),
    method("add", "Quantity int", "Quantity", lambda text, number: _add(text, str(number))),
    method("sub", "Quantity Quantity", "Quantity", _subtract),
    method("sub", "Quantity int", "Quantity", lambda text, number: _subtract(text, str(number))),
)
