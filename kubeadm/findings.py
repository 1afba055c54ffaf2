"""A Finding of `doctor`: what was looked at, how it is, and how a human mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from apimachinery.objects import Object


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, and will not under load or in time."""
    ERROR = "error"
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    level: Level
    text: str
    fix: str = ""
    command: str = ""

    def to_object(self) -> Object:
        return {
            "check": self.check,
            "level": self.level.value,
            "text": self.text,
            "fix": self.fix,
            "command": self.command,
        }


def ok(check: str, text: str) -> Finding:
    return Finding(check, Level.OK, text)


def warning(check: str, text: str, fix: str = "", command: str = "") -> Finding:
    return Finding(check, Level.WARNING, text, fix, command)


def error(check: str, text: str, fix: str = "", command: str = "") -> Finding:
    return Finding(check, Level.ERROR, text, fix, command)


def unknown(check: str, text: str, fix: str = "", command: str = "") -> Finding:
    return Finding(check, Level.UNKNOWN, text, fix, command)
