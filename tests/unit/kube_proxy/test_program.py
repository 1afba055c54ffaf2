"""Programs that rules are written with: what they print, and what becomes of those that don't listen."""

from __future__ import annotations

import asyncio

import pytest
import uvloop

from kube_proxy.program import run
from kube_proxy.writer import RulesetError


async def test_a_program_reads_the_text_and_prints() -> None:
    assert await run("cat", text="some text") == b"some text"
    assert await run("cat") == b""


async def test_a_program_that_fails_says_why_in_a_line() -> None:
    with pytest.raises(RulesetError, match=r"^no such table$"):
        await run("sh", "-c", "echo no such table >&2; echo more >&2; exit 1")
    with pytest.raises(RulesetError, match="nowhere can't be run"):
        await run("nowhere")


def test_a_program_need_not_read_the_text() -> None:
    """uvloop, on which daemons run, is strict about writing to who has gone."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for size in (0, 1, 1_000_000):
            for _ in range(10):
                assert runner.run(run("true", text="x" * size)) == b""
