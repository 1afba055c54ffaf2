"""A command in a container whose time is up."""

from __future__ import annotations

import signal
from typing import Any, cast

import pytest

from kubelet.runtime.docker import execs
from kubelet.runtime.docker.connection import Connector

pytestmark = pytest.mark.looptime

CREATED = {"Running": False, "ExitCode": None, "Pid": 0}
BEGINS = {"Running": True, "ExitCode": None, "Pid": 0}
RUNS = {"Running": True, "ExitCode": None, "Pid": 4711}
REFUSED = {"Running": False, "ExitCode": 126, "Pid": 0}


class Engine:
    """Tells of an exec one state after another, the last one for ever."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self._states = list(states)

    async def ask(self, method: str, path: str) -> dict[str, Any]:
        assert (method, path) == ("GET", "/exec/e/json")
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param([RUNS], [(4711, signal.SIGKILL)], id="runs"),
        pytest.param([CREATED, BEGINS, BEGINS, RUNS], [(4711, signal.SIGKILL)], id="had not begun yet"),
        pytest.param([BEGINS, REFUSED], [], id="never begins"),
        pytest.param([BEGINS], [], id="an engine that hangs is not waited for"),
    ],
)
async def test_it_is_killed_also_if_it_begins_late(
    monkeypatch: pytest.MonkeyPatch, states: list[dict[str, Any]], expected: list[tuple[int, int]]
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(execs.os, "kill", lambda pid, number: killed.append((pid, number)))
    await execs.kill(cast(Connector, Engine(*states)), "e")
    assert killed == expected
