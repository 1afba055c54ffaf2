"""`--dry-run`: what it may be, what it adds to messages and to requests."""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from kubectl import session
from kubectl.arguments import FALSE, TRUE
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


_BOOLEANS = dict.fromkeys(TRUE, DryRun.CLIENT) | dict.fromkeys(FALSE, DryRun.NONE)


@cache
def parse(text: str) -> DryRun:
    """The flag's value, which may be warned about, once. Raises CommandError in kubectl's words."""
    if text == "unchanged":
        _warn("--dry-run is deprecated and can be replaced with --dry-run=client.")
        return DryRun.CLIENT
    if text in _BOOLEANS:
        mode = _BOOLEANS[text]
        _warn(f"--dry-run={text} is deprecated (boolean value) and can be replaced with --dry-run={mode}.")
        return mode
    try:
        return DryRun(text or "none")
    except ValueError:
        raise CommandError(
            f'Invalid dry-run value ({text}). Must be "none", "server", or "client".'
        ) from None


def _warn(text: str) -> None:
    session.klog("W", text, "helpers.go")
