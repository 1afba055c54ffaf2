"""Runs the programs that rules are written with: text in, text out, their complaint as an error."""

from __future__ import annotations

import asyncio
import subprocess

from kube_proxy.writer import RulesetError


async def run(program: str, *arguments: str, text: str = "") -> bytes:
    """What it prints. Raises RulesetError with the first line of what it complains of."""
    command = (program, *arguments)
    try:
        # In a thread: uvloop's pipes break when a program ends without having read everything.
        done = await asyncio.to_thread(subprocess.run, command, input=text.encode(), capture_output=True)
    except OSError as error:
        raise RulesetError(f"{program} can't be run: {error}") from error
    if done.returncode:
        raise RulesetError(first_line(done.stderr.decode(errors="replace")))
    return done.stdout


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:500]
