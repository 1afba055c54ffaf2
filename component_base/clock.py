"""The wall clock of production, passed in where a timestamp is needed. Durations come from the event loop."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present, in UTC."""
    return datetime.now(UTC)
