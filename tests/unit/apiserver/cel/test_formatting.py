"""`format`: what each clause writes, and refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apiserver.cel.libraries.formatting import formatted


@pytest.mark.parametrize(
    ("template", "arguments", "text"),
    [
        ("100%% of %s", ["it"], "100% of it"),
        ("%d %b %b %o %x %X", [-5, 5, True, 8, 255, "az"], "-5 101 1 10 ff 617A"),
        ("%f %.1f %.2f", [1.0, 2.25, 1234.5], "1.000000 2.2 1,234.50"),
        ("%f %f %f", ["NaN", "Infinity", "-Infinity"], "NaN ∞ -∞"),
        ("%e %.2e", [3.14, 0.00012], "3.140000\u202f×\u202f10⁰⁰ 1.20\u202f×\u202f10⁻⁰⁴"),  # noqa: RUF001
        ("%s %s %s %s", [2.71, 0.000000002, 1e6, 10.0], "2.71 2e-09 1e+06 10"),
        ("%s %s %s", [float("nan"), float("inf"), float("-inf")], "NaN +Inf -Inf"),
        ("%s %s %s", [None, True, b"xyz"], "null true xyz"),
        ("%s", [datetime(2023, 2, 3, 23, 31, 20, 500000, tzinfo=UTC)], "2023-02-03T23:31:20.5Z"),
        ("%s %s", [timedelta(hours=2), timedelta(milliseconds=1)], "7200s 0.001s"),
        (
            "%s",
            [["a", 3.14, None, [9], timedelta(seconds=1), b"b"]],
            '["a", 3.140000, null, [9], duration("1s"), b"b"]',
        ),
        ("%s", [{"b": 1.5, "a": [True], 3: "x"}], '{"a":[true], "b":1.500000, 3:"x"}'),
    ],
)
def test_what_is_written(template: str, arguments: list[Any], text: str) -> None:
    assert formatted(template, arguments) == text


@pytest.mark.parametrize(
    ("template", "arguments", "error"),
    [
        ("%a", [1], 'could not parse formatting clause: unrecognized formatting clause "a"'),
        ("%d %d %d", [0, 1], "index 2 out of range"),
        ("%", [1], "unexpected end of string"),
        ("%b", ["a"], "only integers and bools can be formatted as binary, was given string"),
        (
            "%d",
            [timedelta(1)],
            "decimal clause can only be used on integers, was given google.protobuf.Duration",
        ),
        ("%o", [True], "octal clause can only be used on integers, was given bool"),
        ("%x", [0.5], "only integers, byte buffers, and strings can be formatted as hex, was given double"),
        ("%f", [1], "fixed-point clause can only be used on doubles, was given int"),
    ],
)
def test_what_is_refused(template: str, arguments: list[Any], error: str) -> None:
    with pytest.raises(ValueError, match=f"^(error during formatting: )?{re.escape(error)}$"):
        formatted(template, arguments)
