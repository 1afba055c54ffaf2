"""Which time of a CronJob's schedule is due, and when to look again. Pure.

Source: pkg/controller/cronjob/utils.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from apimachinery.cron import Schedule, ScheduleError
from apimachinery.objects import Object, get_path
from apimachinery.times import parse_time

MANY = 100
"""More missed times than that are told: a clock may be wrong, or a deadline missing."""

_DELAY = 0.1
"""Seconds by which a look comes later than its time, so that it never comes too early."""


@dataclass(frozen=True, slots=True)
class Due:
    """The newest time that has passed without a Job; None if there is none."""

    at: datetime | None
    since: datetime
    """What lies before this has been seen to, or is too late."""
    missed: int = 0


def zone_of(cron_job: Object) -> tzinfo:
    """Raises ZoneInfoNotFoundError, ValueError."""
    name = cron_job["spec"].get("timeZone")
    return ZoneInfo(name) if name else UTC


def due(cron_job: Object, schedule: Schedule, now: datetime, *, with_deadline: bool = True) -> Due:
    """Raises ScheduleError for a schedule that never comes."""
    since = _since(cron_job, now, with_deadline)
    zone = zone_of(cron_job)
    first = _after(schedule, since, zone)
    second = _after(schedule, first, zone)
    if now < first:
        return Due(None, since)
    if now < second:
        return Due(first, since)
    missed = int((now - first).total_seconds() // (second - first).total_seconds()) + 1
    return Due(_newest(schedule, first, second, missed, now, zone), since, missed)


def _since(cron_job: Object, now: datetime, with_deadline: bool) -> datetime:
    last = get_path(cron_job, "status.lastScheduleTime") or cron_job["metadata"]["creationTimestamp"]
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    if deadline is None or not with_deadline:
        return parse_time(last)
    return max(parse_time(last), now - timedelta(seconds=deadline))


def _newest(
    schedule: Schedule, first: datetime, second: datetime, missed: int, now: datetime, zone: tzinfo
) -> datetime | None:
    """Jumps near the end at the pace of the first two times, and goes on from there step by step."""
    found, moment = None, _after(schedule, first + (missed - 2) * (second - first), zone)
    while moment <= now:
        found, moment = moment, _after(schedule, moment, zone)
    return found


def _after(schedule: Schedule, moment: datetime, zone: tzinfo) -> datetime:
    found = schedule.after(moment, zone)
    if found is None:
        raise ScheduleError("time difference between two schedules is less than 1 second")
    return found


def next_look(cron_job: Object, schedule: Schedule, now: datetime) -> float:
    """Seconds until the time after the newest one that has passed."""
    seen = due(cron_job, schedule, now, with_deadline=False)
    start = seen.at or (now if seen.missed else seen.since)
    return (_after(schedule, start, zone_of(cron_job)) - now).total_seconds() + _DELAY
