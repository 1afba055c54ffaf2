"""What `up` and `down` tell their user: one line a step, with the seconds since the start and its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import typer


class Progress:
    """Prints `  3.2s  (+0.4s)  text` lines; the clock starts when it is made."""

    def __init__(self) -> None:
        self._began = self._last = time.monotonic()

    def say(self, text: str) -> None:
        """A step is done: its line."""
        now = time.monotonic()
        typer.echo(f"{now - self._began:6.1f}s  (+{now - self._last:.1f}s)  {text}")
        self._last = now

    @contextmanager
    def step(self, text: str) -> Iterator[list[str]]:
        """Runs a step and prints its line with whatever was appended to the list it gives."""
        notes: list[str] = []
        yield notes
        self.say(": ".join([text, *([", ".join(notes)] if notes else [])]))
