"""`--dry-run`: what it may be, what it adds to messages and to requests."""

from __future__ import annotations

import sys
from enum import StrEnum

from kubectl.failures import CommandError


class DryRun(StrEnum):
    NONE = "none"
    CLIENT = "client"
    SERVER = "server"

    @property
    def suffix(self) -> str:
        """What follows a message: ` (dry run)`, ` (server dry run)` or nothing."""
        return {"none": "", "client": " (dry run)", "server": " (server dry run)"}[self.value]

    @property
    def parameters(self) -> dict[str, str]:
        return {"dryRun": "All"} if self is DryRun.SERVER else {}


_BOOLEANS = {"true": DryRun.CLIENT, "false": DryRun.NONE}


def parse(text: str) -> DryRun:
    """The flag's value; raises CommandError in kubectl's words."""
    if text == "unchanged":
        print("W --dry-run is deprecated and can be replaced with --dry-run=client.", file=sys.stderr)
        return DryRun.CLIENT
    if text in _BOOLEANS:
        mode = _BOOLEANS[text]
        what = f"--dry-run={text} is deprecated (boolean value) and can be replaced with --dry-run={mode}."
        print(f"W {what}", file=sys.stderr)
        return mode
    try:
        return DryRun(text or "none")
    except ValueError:
        raise CommandError(
            f'Invalid dry-run value ({text}). Must be "none", "server", or "client".'
        ) from None
