"""Other programs, run to their end: what they are told, what they print."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple


class Finished(NamedTuple):
    """How a program ended."""

    code: int
    output: bytes
    errors: bytes

    @property
    def last_line(self) -> str:
        """What it said last, for a message."""
        return "".join(self.errors.decode(errors="replace").strip().splitlines()[-1:])


async def run(*command: str, told: bytes = b"") -> Finished:
    """`told` is its standard input. A program whose caller is cancelled is killed. Raises OSError."""
    # Not to be cancelled half-way: an event loop may then wait for ever for the program's end.
    starting = asyncio.create_task(_start(command, told))
    try:
        child = await asyncio.shield(starting)
        output, errors = await child.communicate()
    except asyncio.CancelledError:
        with suppress(OSError):
            await _end(await starting)
        raise
    return Finished(child.returncode or 0, output, errors)


async def _start(command: Sequence[str], told: bytes) -> Process:
    """The input is a file in memory: a pipe breaks when the program ends before it has read all, and uvloop
    takes that for an error.
    """
    descriptor = os.memfd_create("told")
    try:
        os.write(descriptor, told)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return await asyncio.create_subprocess_exec(*command, stdin=descriptor, stdout=PIPE, stderr=PIPE)
    finally:
        os.close(descriptor)


async def _end(child: Process) -> None:
    with suppress(ProcessLookupError):  # it may have ended by itself
        child.kill()
    await child.communicate()
