"""What is written into a pod's status, and told in Events."""

from __future__ import annotations

import pytest

from scheduler import status


@pytest.mark.parametrize(
    ("message", "told"),
    [
        pytest.param("x" * 1024, "x" * 1024, id="as long as may be"),
        pytest.param("x" * 1025, "x" * 1020 + " ...", id="too long"),
    ],
)
def test_an_event_has_as_much_of_the_message_as_it_may(message: str, told: str) -> None:
    assert status.note(message) == told
