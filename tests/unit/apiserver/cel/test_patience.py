"""What takes long is done in a thread, from its beginning; the rest stays where it is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from apiserver.cel import patience
from apiserver.cel.environment import compile_expression
from apiserver.cel.patience import patiently, take_time
from apiserver.cel.types import DYN

PLENTY = 1_000_000


def at_once(seen: list[str]) -> str:
    seen.append(threading.current_thread().name)
    return "done"


def counting(seen: list[str]) -> str:
    seen.append(threading.current_thread().name)
    compile_expression("self.all(x, x > 0)", {"self": DYN}).measure({"self": [1, 2]}, PLENTY)
    return "done"


@pytest.mark.parametrize(
    ("work", "threads"),
    [
        pytest.param(at_once, ["MainThread"], id="what takes no time"),
        pytest.param(counting, ["MainThread", "cel_0"], id="what counts its cost"),
    ],
)
async def test_what_takes_long_is_begun_anew_in_a_thread(
    work: Callable[[list[str]], str], threads: list[str]
) -> None:
    seen: list[str] = []
    assert await patiently(lambda: work(seen)) == "done"
    assert seen == threads


async def test_so_is_what_has_gone_on_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def work() -> None:
        at_once(seen)
        take_time(0)

    for seconds in (60, -1):
        monkeypatch.setattr(patience, "_HASTE", seconds)
        await patiently(work)
    assert seen == ["MainThread", "MainThread", "cel_0"]


async def test_what_the_thread_raises_is_raised() -> None:
    def work() -> None:
        counting([])
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await patiently(work)


async def test_who_is_in_no_hurry_waits() -> None:
    seen: list[str] = []
    await patiently(lambda: counting([]))
    counting(seen)
    assert seen == ["MainThread"]
