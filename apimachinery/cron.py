"""Cron schedules: parsed once, with robfig/cron's grammar, errors and times, which are Kubernetes'.

A day matches if both day fields do; if neither is a star, one of them is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from apimachinery.durations import parse_duration

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_DESCRIPTORS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_YEARS_AHEAD = 5
"""A schedule that has no time within these has none at all: February 30th."""


class ScheduleError(ValueError):
    """The text is no schedule; the message is upstream's."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    low: int
    high: int
    names: Mapping[str, int]


_MINUTES, _HOURS, _DAYS = _Bounds(0, 59, {}), _Bounds(0, 23, {}), _Bounds(1, 31, {})
_MONTHS = _Bounds(1, 12, {name: number for number, name in enumerate(_MONTH_NAMES, 1)})
_WEEKDAYS = _Bounds(0, 6, {name: number for number, name in enumerate(_DAY_NAMES)})


@dataclass(frozen=True, slots=True)
class _Field:
    """The values that match. A star matters to days only."""

    values: frozenset[int]
    is_star: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """`@every 1h`: so long after the last time."""

    seconds: int

    def after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        return moment.replace(microsecond=0) + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The five fields."""

    minutes: _Field
    hours: _Field
    days: _Field
    months: _Field
    weekdays: _Field

    def after(self, moment: datetime, zone: tzinfo = UTC) -> datetime | None:
        """The first time later than the moment, as clocks in that zone show it; None if there is none.

        A time that a change of clocks skips is skipped, one that comes twice counts twice.
        """
        start = _later(moment.astimezone(zone).replace(second=0, microsecond=0), minutes=1)
        for day in self._matching_days(start):
            found = self._first_of_day(max(day, start) if day.date() == start.date() else day)
            if found is not None:
                return found.astimezone(UTC)
        return None

    def _matching_days(self, start: datetime) -> Iterator[datetime]:
        """The beginnings of days that match, from that of `start` on."""
        day = start.replace(hour=0, minute=0)
        while day.year <= start.year + _YEARS_AHEAD:
            if day.month not in self.months.values:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                continue
            if self._matches_day(day):
                yield day
            day += timedelta(days=1)  # by the calendar, not by 24 hours

    def _matches_day(self, day: datetime) -> bool:
        by_month = day.day in self.days.values
        by_week = day.isoweekday() % 7 in self.weekdays.values
        if self.days.is_star or self.weekdays.is_star:
            return by_month and by_week
        return by_month or by_week

    def _first_of_day(self, moment: datetime) -> datetime | None:
        """The first minute that matches from a moment on, on its day."""
        day = moment.date()
        moment = _real(moment)
        while moment.date() == day:
            if moment.hour not in self.hours.values:
                moment = _later(moment.replace(minute=0), hours=1)
            elif moment.minute not in self.minutes.values:
                moment = _later(moment, minutes=1)
            else:
                return moment
        return None


Schedule = Interval | Calendar


def _later(moment: datetime, **length: int) -> datetime:
    """After so much real time, whatever clocks do."""
    return (moment.astimezone(UTC) + timedelta(**length)).astimezone(moment.tzinfo)


def _real(moment: datetime) -> datetime:
    """A time that clocks skip becomes the one that they show instead."""
    return moment.astimezone(UTC).astimezone(moment.tzinfo)


def parse_schedule(text: str) -> Schedule:
    """Raises ScheduleError."""
    if not text:
        raise ScheduleError("empty spec string")
    if text.startswith(_EVERY):
        return Interval(_every(text))
    if text.startswith("@") and text not in _DESCRIPTORS:
        raise ScheduleError(f"unrecognized descriptor: {text}")
    parts = _DESCRIPTORS.get(text, text).split()
    if len(parts) != 5:
        listed = " ".join(parts)
        raise ScheduleError(f"expected exactly 5 fields, found {len(parts)}: [{listed}]")
    bounds = (_MINUTES, _HOURS, _DAYS, _MONTHS, _WEEKDAYS)
    return Calendar(*(_field(part, each) for part, each in zip(parts, bounds, strict=True)))


def _every(text: str) -> int:
    """Whole seconds, one at least."""
    try:
        return max(int(parse_duration(text.removeprefix(_EVERY))), 1)
    except ValueError as error:
        raise ScheduleError(f"failed to parse duration {text}: {error}") from None


def _field(text: str, bounds: _Bounds) -> _Field:
    terms = [_term(term, bounds) for term in text.split(",") if term]
    values = frozenset(value for values, _ in terms for value in values)
    return _Field(values, any(is_star for _, is_star in terms))


def _term(term: str, bounds: _Bounds) -> tuple[range, bool]:
    """`*`, `3`, `1-5`, each with `/step`: the values, and whether it is a star."""
    span, slash, step_text = term.partition("/")
    if "/" in step_text:
        raise ScheduleError(f"too many slashes: {term}")
    ends = span.split("-")
    if len(ends) > 2:
        raise ScheduleError(f"too many hyphens: {term}")
    is_star = ends[0] in ("*", "?")
    first = bounds.low if is_star else _value(ends[0], bounds)
    last = bounds.high if is_star else _value(ends[-1], bounds)
    step = _integer(step_text) if slash else 1
    if slash and len(ends) == 1:
        last = bounds.high  # `5/15` is `5-59/15`
    _check(term, first, last, step, bounds)
    return range(first, last + 1, step), is_star and step == 1


def _check(term: str, first: int, last: int, step: int, bounds: _Bounds) -> None:
    if first < bounds.low:
        raise ScheduleError(f"beginning of range ({first}) below minimum ({bounds.low}): {term}")
    if last > bounds.high:
        raise ScheduleError(f"end of range ({last}) above maximum ({bounds.high}): {term}")
    if first > last:
        raise ScheduleError(f"beginning of range ({first}) beyond end of range ({last}): {term}")
    if step == 0:
        raise ScheduleError(f"step of range should be a positive number: {term}")


def _value(text: str, bounds: _Bounds) -> int:
    named = bounds.names.get(text.lower())
    return _integer(text) if named is None else named


def _integer(text: str) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise ScheduleError(f'failed to parse int from {text}: strconv.Atoi: parsing "{text}": invalid syntax')
