"""`options`: the flags that every verb has."""

from __future__ import annotations

from kubectl import help


def options() -> None:
    """Print the list of flags inherited by all commands."""
    print(help.options())
