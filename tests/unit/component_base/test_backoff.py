"""The delays of retries."""

from __future__ import annotations

import pytest

from component_base.backoff import exponential


@pytest.mark.parametrize(
    ("failures", "expected"),
    [
        pytest.param(0, 0.5, id="the first wait is the shortest"),
        pytest.param(1, 1.0, id="it doubles"),
        pytest.param(5, 10.0, id="up to the longest"),
        pytest.param(100_000, 10.0, id="and stays there after days of failing"),
    ],
)
def test_delay_after_failures(failures, expected):
    assert exponential(0.5, 10.0, failures) == expected
