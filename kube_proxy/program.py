"""Runs the programs that rules are written with: text in, text out, their complaint as an error."""

from __future__ import annotations

import asyncio

from kube_proxy.writer import RulesetError


async def run(program: str, *arguments: str, text: str = "") -> bytes:
    """What it prints. Raises RulesetError with the first line of what it complains of."""
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise RulesetError(f"{program} can't be run: {error}") from error
    output, errors = await process.communicate(text.encode())
    if process.returncode:
        raise RulesetError(first_line(errors.decode(errors="replace")))
    return output


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:500]
