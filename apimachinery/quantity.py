"""Quantities: exact numbers with a suffix (`100m`, `1.5`, `2Gi`), printed in upstream's canonical form.

A Quantity counts whole nanos, the finest that Kubernetes keeps; what is finer is rounded away from zero.
"""

from __future__ import annotations

import re
from functools import lru_cache, total_ordering

FORMAT_MESSAGE = (
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)  # fmt: skip
SUFFIX_MESSAGE = "unable to parse quantity's suffix"

_NANO = 10**9
_PATTERN = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*)([-+]?[0-9]*)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY_SUFFIX = {power: suffix for suffix, power in _BINARY.items()}
_DECIMAL_SUFFIX = {power: suffix for suffix, power in _DECIMAL.items()}
_EXPONENT, _DECIMAL_SI, _BINARY_SI = "DecimalExponent", "DecimalSI", "BinarySI"
_MAX = (2**63 - 1) * _NANO
_DIGITS = 40
"""More digits or zeros than this are not computed with: texts from outside may have any number of them."""


class QuantityError(ValueError):
    """The text is no quantity; the message is upstream's."""


def _ceil_away(numerator: int, denominator: int) -> int:
    """The quotient rounded away from zero."""
    quotient = -(-abs(numerator) // denominator)
    return quotient if numerator >= 0 else -quotient


@total_ordering
class Quantity:
    """An immutable exact number that remembers which kind of suffix it came with."""

    __slots__ = ("_format", "nanos")

    def __init__(self, nanos: int = 0, form: str = _DECIMAL_SI) -> None:
        self.nanos = nanos
        self._format = form

    @staticmethod
    def parse(value: str | int | float) -> Quantity:
        """Raises QuantityError. JSON numbers are taken by the digits they are written with."""
        return _parse(value if isinstance(value, str) else repr(value))

    @staticmethod
    def of(value: int, *, binary: bool = False) -> Quantity:
        """A whole number, printed with binary suffixes if asked."""
        return Quantity(value * _NANO, _BINARY_SI if binary else _DECIMAL_SI)

    def value(self) -> int:
        """The number rounded up (away from zero) to an integer."""
        return _ceil_away(self.nanos, _NANO)

    def milli_value(self) -> int:
        """A thousand times the number, rounded up."""
        return _ceil_away(self.nanos, 10**6)

    def is_zero(self) -> bool:
        return self.nanos == 0

    def __float__(self) -> float:
        return self.nanos / _NANO

    def __bool__(self) -> bool:
        return self.nanos != 0

    def _joint_format(self, other: Quantity) -> str:
        return other._format if self.nanos == 0 else self._format

    def __add__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos + other.nanos, self._joint_format(other))

    def __sub__(self, other: Quantity) -> Quantity:
        return Quantity(self.nanos - other.nanos, self._joint_format(other))

    def __neg__(self) -> Quantity:
        return Quantity(-self.nanos, self._format)

    def __mul__(self, factor: int) -> Quantity:
        return Quantity(self.nanos * factor, self._format)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.nanos == other.nanos

    def __lt__(self, other: Quantity) -> bool:
        return self.nanos < other.nanos

    def __hash__(self) -> int:
        return hash(self.nanos)

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __str__(self) -> str:
        if self.nanos == 0:
            return "0"
        # Small and fractional numbers lose precision in binary suffixes, so they are shown in decimal ones.
        if self._format == _BINARY_SI and abs(self.nanos) >= 1024 * _NANO and self.nanos % _NANO == 0:
            return self._binary_text()
        return self._decimal_text()

    def _binary_text(self) -> str:
        mantissa, power = self.nanos // _NANO, 0
        while mantissa % 1024 == 0 and power < 6:
            mantissa, power = mantissa // 1024, power + 1
        return f"{mantissa}{_BINARY_SUFFIX.get(power, '')}"

    def _decimal_text(self) -> str:
        mantissa, power = self.nanos, -9
        while mantissa % 1000 == 0 and power < 18:
            mantissa, power = mantissa // 1000, power + 3
        if self._format == _EXPONENT:
            return f"{mantissa}e{power}" if power else str(mantissa)
        return f"{mantissa}{_DECIMAL_SUFFIX[power]}"


def parse_quantity(value: str | int | float) -> Quantity:
    return Quantity.parse(value)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity:
    match = _PATTERN.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        raise QuantityError(FORMAT_MESSAGE)
    sign, (base, power, form) = match[1], _suffix_of(match[4], match[5])
    nanos = _nanos(match[2].lstrip("0"), (match[3] or "").rstrip("0"), base, power)
    return Quantity(-nanos if sign == "-" else nanos, form)


def _nanos(whole: str, fraction: str, base: int, power: int) -> int:
    """What the digits stand for; too large becomes the largest, too small the smallest."""
    if not whole and not fraction:
        return 0
    if len(whole) > _DIGITS or power > _DIGITS:
        return _MAX
    if power < -_DIGITS:
        return 1
    if len(fraction) > _DIGITS:
        fraction = f"{fraction[:_DIGITS]}1"  # what is cut off still rounds up
    numerator, denominator = int(whole + fraction) * _NANO, 10 ** len(fraction)
    if power >= 0:
        numerator *= base**power
    else:
        denominator *= base**-power
    nanos = _ceil_away(numerator, denominator)
    return min(nanos, _MAX) if len(whole) + len(fraction) > 18 else nanos


def _suffix_of(suffix: str, exponent: str) -> tuple[int, int, str]:
    """Base, power and format of what follows the digits."""
    if not exponent and suffix in _BINARY:
        return 1024, _BINARY[suffix], _BINARY_SI
    if not exponent and suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], _DECIMAL_SI
    if suffix in ("e", "E") and exponent.lstrip("+-"):
        return 10, int(exponent[:20]), _EXPONENT
    raise QuantityError(SUFFIX_MESSAGE)
