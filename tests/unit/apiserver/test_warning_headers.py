"""How many warnings fit beside an answer, and how they are written."""

from __future__ import annotations

import pytest

from apiserver.warning_headers import warning_headers


@pytest.mark.parametrize(
    ("warnings", "headers"),
    [
        pytest.param(["a", "b", "a"], ["a", "b"], id="each once"),
        pytest.param(["", "two\nlines", "ä"], ["ä"], id="neither empty nor with control characters"),
        pytest.param(['say "a\\b"'], ['say \\"a\\\\b\\"'], id="quotes and backslashes"),
        pytest.param(["x" * 4096], ["x" * 4096], id="as long as may be"),
        pytest.param(["x" * 4097, "short"], ["x" * 256, "short"], id="too long: cut"),
        pytest.param(
            [f"{i:0110}" for i in range(40)], [f"{i:0110}" for i in range(38)], id="up to the first too much"
        ),
        pytest.param(
            ["a" * 4000, "b" * 300, *(f"{i:0300}" for i in range(20))],
            ["a" * 256, "b" * 256, *(f"{i:0300}"[:256] for i in range(14))],
            id="once cut, more of them fit",
        ),
    ],
)
def test_warnings_as_headers(warnings: list[str], headers: list[str]) -> None:
    wanted = [(b"warning", f'299 - "{text}"'.encode()) for text in headers]
    assert warning_headers(warnings) == wanted
