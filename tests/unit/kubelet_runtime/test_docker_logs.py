"""Timestamps of Docker's log entries become one a line, however the bytes arrive."""

from __future__ import annotations

import pytest

from kubelet.runtime.docker.logs import Stamps

FIRST, SECOND = b"2026-11-29T08:07:44.473096176Z ", b"2026-11-29T08:07:45.000000000Z "
ENTRY = b"x" * 16384

LOGS = {
    "short lines": (FIRST + b"a\n" + SECOND + b"b\n", FIRST + b"a\n" + SECOND + b"b\n"),
    "a long line": (FIRST + ENTRY + SECOND + ENTRY + SECOND + b"x\n", FIRST + ENTRY + ENTRY + b"x\n"),
    "a line as long as an entry": (
        FIRST + ENTRY + SECOND + b"\n" + SECOND + b"b\n",
        FIRST + ENTRY + b"\n" + SECOND + b"b\n",
    ),
    "an empty line": (FIRST + b"\n" + SECOND + b"b\n", FIRST + b"\n" + SECOND + b"b\n"),
    "no end of line": (FIRST + b"a\n" + SECOND + b"b", FIRST + b"a\n" + SECOND + b"b"),
}


@pytest.mark.parametrize("size", [1, 30, 31, 32, 1000, 1 << 20])
@pytest.mark.parametrize("row", LOGS.values(), ids=LOGS.keys())
def test_each_line_has_one_timestamp(row: tuple[bytes, bytes], size: int) -> None:
    log, expected = row
    stamps = Stamps()
    pieces = [stamps.once_a_line(1, log[start : start + size]) for start in range(0, len(log), size)]
    assert b"".join(pieces) == expected


def test_streams_do_not_mix() -> None:
    stamps = Stamps()
    assert stamps.once_a_line(1, FIRST + ENTRY) == FIRST + ENTRY
    assert stamps.once_a_line(2, SECOND + b"err\n") == SECOND + b"err\n"
    assert stamps.once_a_line(1, SECOND + b"x\n") == b"x\n"
