"""What a daemon's own HTTPS cannot be told."""

from __future__ import annotations

import pytest

from component_base.serving_options import port_problem

MAY_BE_OFF = "must be between 0 and 65535, inclusive. 0 for turning off secure port"
NEEDED = "must be between 1 and 65535, inclusive. It cannot be turned off with 0"


@pytest.mark.parametrize(
    ("port", "is_required", "words"),
    [
        (0, False, ""),
        (65535, True, ""),
        (0, True, f"--secure-port 0 {NEEDED}"),
        (-1, False, f"--secure-port -1 {MAY_BE_OFF}"),
        (99999, False, f"--secure-port 99999 {MAY_BE_OFF}"),
        (99999, True, f"--secure-port 99999 {NEEDED}"),
    ],
)
def test_a_port_that_is_none_is_refused(port: int, is_required: bool, words: str) -> None:
    """The kernel would take the lower 16 bits of it."""
    assert port_problem(port, is_required=is_required) == words
