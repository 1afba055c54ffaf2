"""systemd-logind: it delays the shutdown while we hold an inhibitor, and says when one begins.

Spoken to through systemd's own programs, so that nothing here knows D-Bus.
"""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from pathlib import Path

import orjson

MANAGER = "org.freedesktop.login1.Manager"
DROP_IN = Path("/etc/systemd/logind.conf.d/99-kubelet.conf")
_MATCH = f"type='signal',interface='{MANAGER}',member='PrepareForShutdown'"


class LogindError(Exception):
    """logind is not there, or does not delay for as long as it should."""


class Logind:
    def __init__(self) -> None:
        self._inhibitor: Process | None = None

    async def inhibit(self, seconds: float) -> None:
        """Has a shutdown wait for `release`, for at most so many seconds. Raises LogindError."""
        if await self._longest_delay() < seconds:
            await self._allow(seconds)
        self._inhibitor = await _start(
            *("systemd-inhibit", "--what=shutdown", "--mode=delay", "--who=kubelet"),
            *("--why=Kubelet needs time to handle node shutdown", "cat"),
            stdin=PIPE,
        )

    async def release(self) -> None:
        """Lets the shutdown go on."""
        if self._inhibitor is not None and self._inhibitor.stdin is not None:
            self._inhibitor.stdin.close()
            await self._inhibitor.wait()
        self._inhibitor = None

    async def shutdowns(self) -> AsyncGenerator[bool, None]:
        """True when a shutdown begins, False when it has been called off. Raises LogindError at the end."""
        monitor = await _start("busctl", "monitor", "--json=short", f"--match={_MATCH}", stdout=PIPE)
        assert monitor.stdout is not None, "asked for"
        try:
            async for line in monitor.stdout:
                begins = parse_signal(line)
                if begins is not None:
                    yield begins
        finally:
            if monitor.returncode is None:
                monitor.terminate()
            await monitor.wait()
        raise LogindError("the monitor of the system bus ended")

    async def _longest_delay(self) -> float:
        """Seconds."""
        path, name = "/org/freedesktop/login1", "org.freedesktop.login1"
        command = ("busctl", "--json=short", "get-property", name, path, MANAGER, "InhibitDelayMaxUSec")
        process = await _start(*command, stdout=PIPE)
        output, _ = await process.communicate()
        if process.returncode:
            raise LogindError("systemd-logind does not answer on the system bus")
        return float(orjson.loads(output)["data"]) / 1e6

    async def _allow(self, seconds: float) -> None:
        """logind's own limit is raised, as upstream's kubelet does."""
        await asyncio.to_thread(_write_drop_in, seconds)
        reload = await _start("systemctl", "kill", "--signal=HUP", "systemd-logind.service")
        if await reload.wait():
            raise LogindError("systemd-logind could not be told to read its configuration")


def _write_drop_in(seconds: float) -> None:
    DROP_IN.parent.mkdir(parents=True, exist_ok=True)
    DROP_IN.write_text(f"# Kubelet logind override\n[Login]\nInhibitDelayMaxSec={seconds:.0f}\n")


def parse_signal(line: bytes) -> bool | None:
    """Of a line of `busctl monitor`: whether a shutdown begins; None for what is no such signal."""
    message = orjson.loads(line)
    if message.get("member") != "PrepareForShutdown":
        return None
    return bool(message["payload"]["data"][0])


async def _start(*command: str, stdin: int = DEVNULL, stdout: int = DEVNULL) -> Process:
    try:
        return await asyncio.create_subprocess_exec(*command, stdin=stdin, stdout=stdout, stderr=DEVNULL)
    except OSError as error:
        raise LogindError(f"{command[0]} cannot be run: {error}") from error
