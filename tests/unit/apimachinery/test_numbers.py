"""Numbers as Go's JSON reads and writes them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from apimachinery.numbers import from_float, go_number, settle_numbers


@pytest.mark.parametrize(
    ("value", "settled"),
    [
        (2**63 - 1, 2**63 - 1),
        (2**63, float(2**63)),
        (-(2**63) - 1, -float(2**63)),
        (1.0, 1),
        (-0.0, 0),
        (1.5, 1.5),
        (float(2**53 - 1), 2**53 - 1),
        (float(2**53), float(2**53)),
        ("1.0", "1.0"),
        (True, True),
        ({"a": [1.0, {"b": 2.0}, "x"], "c": None}, {"a": [1, {"b": 2}, "x"], "c": None}),
    ],
)
def test_numbers_of_no_known_type(value: Any, settled: Any) -> None:
    assert repr(settle_numbers(value)) == repr(settled)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (1.0, "1"),
        (-0.5, "-0.5"),
        (100.0, "100"),
        (18446744073709551616.0, "18446744073709552000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e-7, "1.5e-7"),
        (0.000001, "0.000001"),
        (0.0, "0"),
    ],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert go_number(value) == text


@pytest.mark.parametrize(
    ("value", "read"),
    [(1e18, 10**18), (1.5, 1.5), (1e19, 1e19), (-float(2**63), -float(2**63)), (math.pi, math.pi)],
)
def test_floats_that_pass_through_text(value: float, read: float) -> None:
    assert repr(from_float(value)) == repr(read)
