"""Timestamps as the API writes them: RFC 3339 in UTC, whole seconds (Time) or microseconds (MicroTime)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))"
)  # fmt: skip


ZERO_TIME = datetime.min.replace(tzinfo=UTC)
"""Go's zero Time, which JSON writes as null."""


def format_time(moment: datetime) -> str:
    """meta/v1 Time: `2026-01-01T00:00:00Z`."""
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z"


def format_micro_time(moment: datetime) -> str:
    """meta/v1 MicroTime: `2026-01-01T00:00:00.000000Z`."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:26]}Z"


def parse_time(text: str) -> datetime:
    """Raises ValueError for anything but RFC 3339. Finer than microseconds is cut off."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(_go_message(text))
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micros = int((match[7] or "0")[:6].ljust(6, "0"))
    zone: timezone = UTC
    if match[8]:
        offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
        zone = timezone(offset if match[8] == "+" else -offset)
    try:
        return datetime(year, month, day, hour, minute, second, micros, zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f'parsing time "{text}": {_out_of_range(month, hour, minute, second)}') from None


def time_or_zero(text: str | None) -> datetime:
    """A time that may be null: then longer ago than any, as Go has it. Raises ValueError as `parse_time`."""
    return parse_time(text) if text else ZERO_TIME


_LAYOUT = "2006-01-02T15:04:05Z07:00"
_LAYOUT_PARTS = (
    ("2006", r"\d{4}"), ("-", "-"), ("01", r"\d\d"), ("-", "-"), ("02", r"\d\d"), ("T", "T"), ("15", r"\d\d"),
    (":", ":"), ("04", r"\d\d"), (":", ":"), ("05", r"\d\d(\.\d+)?"), ("Z07:00", r"Z|[+-]\d\d:\d\d"),
)  # fmt: skip


def _go_message(text: str) -> str:
    """Where Go's parser gives up."""
    rest = text
    for part, pattern in _LAYOUT_PARTS:
        match = re.match(pattern, rest)
        if match is None:
            return f'parsing time "{text}" as "{_LAYOUT}": cannot parse "{rest}" as "{part}"'
        rest = rest[match.end() :]
    return f'parsing time "{text}": extra text: "{rest}"'


def _out_of_range(month: int, hour: int, minute: int, second: int) -> str:
    if not 1 <= month <= 12:
        return "month out of range"
    if hour > 23:
        return "hour out of range"
    if minute > 59:
        return "minute out of range"
    return "second out of range" if second > 59 else "day out of range"


def seconds_between(earlier: datetime, later: datetime) -> float:
    return (later - earlier).total_seconds()
