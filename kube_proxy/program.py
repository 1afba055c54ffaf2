"""Runs the programs that rules are written with: text in, text out, their complaint as an error."""

from __future__ import annotations

from component_base import processes
from kube_proxy.writer import RulesetError


async def run(program: str, *arguments: str, text: str = "") -> bytes:
    """What it prints. Raises RulesetError with the first line of what it complains of."""
    try:
        finished = await processes.run(program, *arguments, told=text.encode())
    except OSError as error:
        raise RulesetError(f"{program} can't be run: {error}") from error
    if finished.code:
        raise RulesetError(first_line(finished.errors.decode(errors="replace")))
    return finished.output


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:500]
