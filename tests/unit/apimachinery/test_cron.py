"""Schedules: what is one, and when it is time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from apimachinery.cron import ScheduleError, parse_schedule

START = datetime(2026, 3, 6, 10, 20, 30, tzinfo=UTC)  # a Friday


def times(text: str, count: int = 3, zone: str = "UTC", start: datetime = START) -> list[str]:
    """The next times, as clocks in the zone show them."""
    schedule, found, moment = parse_schedule(text), [], start
    for _ in range(count):
        following = schedule.after(moment, ZoneInfo(zone))
        if following is None:
            return found
        moment = following
        found.append(moment.astimezone(ZoneInfo(zone)).strftime("%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", ["03-06 10:21", "03-06 10:22", "03-06 10:23"]),
        ("*/20 * * * *", ["03-06 10:40", "03-06 11:00", "03-06 11:20"]),
        ("5/25 * * * *", ["03-06 10:30", "03-06 10:55", "03-06 11:05"]),
        ("0 9-17/4 * * *", ["03-06 13:00", "03-06 17:00", "03-07 09:00"]),
        ("15,45 3 * * *", ["03-07 03:15", "03-07 03:45", "03-08 03:15"]),
        ("0 0 31 * ?", ["03-31 00:00", "05-31 00:00", "07-31 00:00"]),
        ("0 0 * feb-mar mon", ["03-09 00:00", "03-16 00:00", "03-23 00:00"]),
        ("0 12 13 * FRI", ["03-06 12:00", "03-13 12:00", "03-20 12:00"]),
        ("0 12 */2 * FRI", ["03-06 12:00", "03-07 12:00", "03-09 12:00"]),
        ("0 0 29 2 *", ["02-29 00:00"] * 1),
        ("0 0 30 2 *", []),
        ("@hourly", ["03-06 11:00", "03-06 12:00", "03-06 13:00"]),
        ("@monthly", ["04-01 00:00", "05-01 00:00", "06-01 00:00"]),
        ("@every 90m", ["03-06 11:50", "03-06 13:20", "03-06 14:50"]),
    ],
)
def test_times(text: str, expected: list[str]) -> None:
    assert times(text, len(expected) or 1) == expected


def test_zones_and_the_change_of_their_clocks() -> None:
    new_york = "America/New_York"
    assert times("0 9 * * *", 2, "Asia/Tokyo") == ["03-07 09:00", "03-08 09:00"]
    night = datetime(2026, 3, 7, 12, tzinfo=UTC)
    assert times("30 2 * * *", 2, new_york, night) == ["03-09 02:30", "03-10 02:30"], "2:30 is skipped"
    assert times("0 * * * *", 3, new_york, datetime(2026, 3, 8, 5, 30, tzinfo=UTC)) == [
        "03-08 01:00", "03-08 03:00", "03-08 04:00",
    ]  # fmt: skip
    autumn = datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert times("30 1 * * *", 3, new_york, autumn) == ["11-01 01:30", "11-01 01:30", "11-02 01:30"], "twice"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "empty spec string"),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
        ("5-3 * * * *", "beginning of range (5) beyond end of range (3): 5-3"),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
        ("1/2/3 * * * *", "too many slashes: 1/2/3"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("@often", "unrecognized descriptor: @often"),
        ("@every x", 'failed to parse duration @every x: time: invalid duration "x"'),
    ],
)
def test_what_is_no_schedule(text: str, error: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        parse_schedule(text)
    assert str(raised.value) == error
