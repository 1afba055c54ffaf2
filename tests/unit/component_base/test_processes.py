"""Programs run to their end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest
import uvloop

from component_base.processes import Finished, run


async def test_a_program_is_told_and_tells() -> None:
    assert await run("cat", told=b"x" * 1_000_000) == Finished(0, b"x" * 1_000_000, b"")
    assert await run("sh", "-c", "echo no >&2; exit 3") == Finished(3, b"", b"no\n")


def test_a_program_that_does_not_listen_is_no_error() -> None:
    async def many() -> set[int]:
        return {(await run("true", told=b"x" * 100_000)).code for _ in range(50)}

    assert uvloop.run(many()) == {0}


async def test_a_program_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        await run("/no/such/program")


async def test_who_is_cancelled_leaves_nothing_running() -> None:
    script = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    caller = asyncio.create_task(run(sys.executable, "-c", script))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_who_is_cancelled_ends_as_that_whatever_the_program_does(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """While it is being started, runs, or has just ended."""

    async def many() -> set[bool]:
        ends = set()
        for turns in range(90):
            caller = asyncio.create_task(run("true"))
            for _ in range(turns % 30):
                await asyncio.sleep(turns // 30 * 0.0002)
            caller.cancel()
            done, _ = await asyncio.wait([caller], timeout=20)
            ends |= {each.cancelled() or each.result().code == 0 for each in done} or {False}
        return ends

    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(many()) == {True}


def test_the_last_line_is_what_counts() -> None:
    assert Finished(1, b"", b"Traceback\n  ...\nValueError: no\n").last_line == "ValueError: no"
    assert Finished(1, b"", b"").last_line == ""
