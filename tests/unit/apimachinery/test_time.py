"""Timestamps, durations, ages."""

from datetime import UTC, datetime

import pytest

from apimachinery.durations import format_duration, human_duration, parse_duration
from apimachinery.times import ZERO_TIME, format_micro_time, format_time, parse_time, time_or_zero

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678900, UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02T03:04:05.6789Z",
        "2026-01-02T03:04:05.678900123Z",
        "2026-01-02T04:04:05.6789+01:00",
        "2026-01-01T22:04:05.6789-05:00",
    ],
)
def test_times_of_all_zones_are_one(text: str) -> None:
    assert parse_time(text) == MOMENT


def test_a_time_that_is_not_told_is_longer_ago_than_any() -> None:
    assert time_or_zero(None) == time_or_zero("") == ZERO_TIME == parse_time("0001-01-01T00:00:00Z")
    assert time_or_zero("2026-01-02T03:04:05.6789Z") == MOMENT


def test_times_are_written_in_utc() -> None:
    assert format_time(MOMENT) == "2026-01-02T03:04:05Z"
    assert format_micro_time(MOMENT) == "2026-01-02T03:04:05.678900Z"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("x", 'cannot parse "x" as "2006"'),
        ("2026-01-02", 'cannot parse "" as "T"'),
        ("2026-13-02T03:04:05Z", "month out of range"),
        ("2026-02-30T03:04:05Z", "day out of range"),
        ("2026-01-02T03:04:05Zx", 'extra text: "x"'),
        ("2026-01-02 03:04:05Z", 'cannot parse " 03:04:05Z" as "T"'),
    ],
)
def test_wrong_times_are_refused_in_gos_words(text: str, part: str) -> None:
    with pytest.raises(ValueError, match="parsing time") as caught:
        parse_time(text)
    assert part in str(caught.value)


AGES = {
    -5: "<invalid>",
    -1: "0s",
    0: "0s",
    119: "119s",
    120: "2m",
    125: "2m5s",
    600: "10m",
    10_800: "3h",
    11_100: "3h5m",
    28_800: "8h",
    172_800: "2d",
    183_600: "2d3h",
    691_200: "8d",
    69_120_000: "2y70d",
    252_288_000: "8y",
}


@pytest.mark.parametrize(("seconds", "text"), AGES.items())
def test_ages_read_as_kubectls(seconds: int, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("300ms", 0.3),
        ("1h1m1.5s", 3661.5),
        ("0s", 0),
        ("-5s", -5),
        ("2m0s", 120),
        ("1µs", 1e-6),
    ],
)
def test_durations_are_read_and_written_as_go_does(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'invalid duration ""'),
        ("s", 'invalid duration "s"'),
        ("5", 'missing unit in duration "5"'),
        ("1h5", 'missing unit in duration "1h5"'),
        ("1x", 'unknown unit "x" in duration "1x"'),
        ("1m 30s", 'unknown unit "m " in duration "1m 30s"'),
    ],
)
def test_nonsense_is_no_duration(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^time: {problem}$"):
        parse_duration(text)
