"""Other programs, run to their end: what they are told, what they print."""

from __future__ import annotations

import asyncio
import os
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
    """`told` is its standard input. A program whose caller is cancelled is killed. Raises OSError.

    The input is a file in memory: a pipe breaks when the program ends before it has read all, and uvloop
    takes that for an error.
    """
    descriptor = os.memfd_create("told")
    try:
        os.write(descriptor, told)
        os.lseek(descriptor, 0, os.SEEK_SET)
        child = await asyncio.create_subprocess_exec(
            *command, stdin=descriptor, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    finally:
        os.close(descriptor)
    try:
        output, errors = await child.communicate()
    except asyncio.CancelledError:
        child.kill()
        await child.communicate()
        raise
    return Finished(child.returncode or 0, output, errors)
