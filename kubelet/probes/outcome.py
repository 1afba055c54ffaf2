"""What one attempt of a probe came to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    SUCCESS = "success"
    WARNING = "warning"
    """Success that deserves an Event."""
    FAILURE = "failure"
    UNKNOWN = "unknown"
    """The attempt itself went wrong; it counts for nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    outcome: Outcome
    message: str = ""


class ProbeKind(StrEnum):
    """As messages name it."""

    STARTUP = "Startup"
    LIVENESS = "Liveness"
    READINESS = "Readiness"
