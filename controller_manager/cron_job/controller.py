"""The CronJob controller: makes a Job each time the schedule says so.

Decisions are in `times` and `plan`; here are the reads, the writes and their order.
Source: pkg/controller/cronjob/cronjob_controllerv2.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar
from zoneinfo import ZoneInfoNotFoundError

from apimachinery import scheme
from apimachinery.cron import Schedule, ScheduleError, parse_schedule
from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    is_terminating,
    key_of,
    name_of,
    namespace_of,
    uid_of,
)
from apimachinery.times import parse_time
from client.controller import Watch, by_name, by_owner
from client.errors import is_namespace_terminating
from client.events import NORMAL, WARNING
from client.own_writes import UNSETTLED, OwnWrites
from controller_manager.context import ControllerContext
from controller_manager.cron_job import plan
from controller_manager.cron_job.times import MANY, due, next_look, zone_of
from controller_manager.metrics import CRON_JOB_SKEW
from controller_manager.ownership import CONTROLLER_INDEX, by_controller
from controller_manager.status_writer import write_status

_TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
_FORBIDDEN = "Not starting job because prior execution is running and concurrency policy is Forbid"

_BACKGROUND = {"propagationPolicy": "Background"}


class CronJobController:
    """Starts the Jobs of every CronJob in time and keeps its book of them."""

    name: ClassVar[str] = "cronjob-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._cron_jobs = context.informers.informer(scheme.CRON_JOBS)
        self._jobs = context.informers.informer(scheme.JOBS)
        context.informers.index(scheme.JOBS, CONTROLLER_INDEX, by_controller)
        self._recorder = context.recorder(self.name)
        self._writes = OwnWrites(self._cron_jobs)

    def watches(self) -> list[Watch]:
        return [Watch(self._cron_jobs, by_name), Watch(self._jobs, by_owner("CronJob"))]

    async def reconcile(self, key: NamespacedName) -> float | None:
        cron_job = self._cron_jobs.get(key)
        if cron_job is None:
            self._writes.forget(key)
            return None
        if not self._writes.are_seen(key):
            return UNSETTLED
        jobs = self._jobs.by_index(CONTROLLER_INDEX, uid_of(cron_job))
        run = _Run(cron_job, await self._review(cron_job, jobs))
        try:
            again = await self._schedule(run)
        finally:
            await self._clean_up(run, jobs)
            await self._write_status(run)
        return again

    async def _review(self, cron_job: Object, jobs: Sequence[Object]) -> Object:
        """The status after a look at the Jobs; those that the cache misses are asked for."""
        found = plan.review(cron_job, jobs)
        for job in found.unexpected:
            text = f"Saw a job that the controller did not create or forgot: {name_of(job)}"
            self._recorder.event(cron_job, WARNING, "UnexpectedJob", text)
        for job in found.completed:
            text = f"Saw completed job: {name_of(job)}, condition: {plan.finish_of(job)}"
            self._recorder.event(cron_job, NORMAL, "SawCompletedJob", text)
        status = found.status
        for reference in found.missing:
            if not await self._exists(reference):
                text = f"Active job went missing: {reference['name']}"
                self._recorder.event(cron_job, NORMAL, "MissingJob", text)
                status = plan.without(status, reference)
        return status

    async def _exists(self, reference: Object) -> bool:
        try:
            job = await self._client.get(scheme.JOBS, reference["name"], reference["namespace"])
        except NotFoundError:
            return False
        return bool(uid_of(job) == reference["uid"])

    async def _schedule(self, run: _Run) -> float | None:
        """Starts what is due; returns the seconds until the next time."""
        cron_job, now = run.cron_job, self._now()
        if is_terminating(cron_job) or cron_job["spec"].get("suspend"):
            return None
        schedule = self._parsed(cron_job)
        if schedule is None:
            return None
        try:
            found = due(cron_job, schedule, now)
            if found.missed > MANY:
                self._recorder.event(cron_job, WARNING, "TooManyMissedTimes", _TOO_MANY)
            if found.at is not None and self._may_start(run, found.at, now):
                await self._start(run, found.at)
            return next_look({**cron_job, "status": run.status}, schedule, now)
        except ScheduleError as error:
            text = f"invalid schedule schedule: {cron_job['spec']['schedule']} : {error}"
            self._recorder.event(cron_job, WARNING, "InvalidSchedule", text)
            return None

    def _parsed(self, cron_job: Object) -> Schedule | None:
        """None, and an Event, if schedule or time zone can't be read."""
        spec = cron_job["spec"]
        try:
            zone_of(cron_job)
        except (ZoneInfoNotFoundError, ValueError) as error:
            text = f'invalid timeZone: "{spec["timeZone"]}": {error}'
            self._recorder.event(cron_job, WARNING, "UnknownTimeZone", text)
            return None
        try:
            return parse_schedule(spec["schedule"])
        except ScheduleError as error:
            text = f'unparseable schedule: "{spec["schedule"]}" : {error}'
            self._recorder.event(cron_job, WARNING, "UnparseableSchedule", text)
            return None

    def _may_start(self, run: _Run, at: datetime, now: datetime) -> bool:
        cron_job = run.cron_job
        if plan.is_too_late(cron_job, at, now):
            text = f"Missed scheduled time to start a job: {format_datetime(at)}"
            self._recorder.event(cron_job, WARNING, "MissSchedule", text)
            return False
        if plan.is_started(cron_job, run.status, at):
            return False
        if cron_job["spec"].get("concurrencyPolicy") == "Forbid" and run.status["active"]:
            self._recorder.event(cron_job, NORMAL, "JobAlreadyActive", _FORBIDDEN)
            return False
        return True

    async def _start(self, run: _Run, at: datetime) -> None:
        cron_job = run.cron_job
        if cron_job["spec"].get("concurrencyPolicy") == "Replace":
            for reference in list(run.status["active"]):
                await self._delete(run, reference["name"], reference)
        job = await self._create(cron_job, at)
        if job is not None:
            run.status = plan.with_job(run.status, job, at)

    async def _create(self, cron_job: Object, at: datetime) -> Object | None:
        """The Job; None if a stranger has taken its name, or the namespace is going away."""
        wanted = plan.new_job(cron_job, at)
        try:
            created = await self._client.create(scheme.JOBS, wanted)
        except AlreadyExistsError:
            known = await self._client.get(scheme.JOBS, name_of(wanted), namespace_of(wanted))
            return known if (controller_of(known) or {}).get("uid") == uid_of(cron_job) else None
        except StatusError as error:
            if is_namespace_terminating(error):
                return None
            self._recorder.event(cron_job, WARNING, "FailedCreate", f"Error creating job: {error}")
            raise
        CRON_JOB_SKEW.observe((parse_time(created["metadata"]["creationTimestamp"]) - at).total_seconds())
        self._recorder.event(cron_job, NORMAL, "SuccessfulCreate", f"Created job {name_of(created)}")
        return created

    async def _clean_up(self, run: _Run, jobs: Sequence[Object]) -> None:
        for job in plan.to_clean_up(run.cron_job, jobs):
            await self._delete(run, name_of(job), {"uid": uid_of(job)})

    async def _delete(self, run: _Run, name: str, reference: Object) -> None:
        cron_job = run.cron_job
        options = {**_BACKGROUND, "preconditions": {"uid": reference["uid"]}}
        try:
            await self._client.delete(scheme.JOBS, name, namespace_of(cron_job), options=options)
        except NotFoundError:
            pass
        except StatusError as error:
            self._recorder.event(cron_job, WARNING, "FailedDelete", f"Deleted job: {error}")
            raise
        else:
            self._recorder.event(cron_job, NORMAL, "SuccessfulDelete", f"Deleted job {name}")
        run.status = plan.without(run.status, reference)

    async def _write_status(self, run: _Run) -> None:
        """Guarded by the resourceVersion it was decided on; a name without minutes can't be made twice."""
        status = {field: value for field, value in run.status.items() if value}
        written = await write_status(self._client, scheme.CRON_JOBS, run.cron_job, status)
        if written is not None:
            self._writes.note(key_of(run.cron_job), written)


class _Run:
    """A CronJob and its status as this pass changes it."""

    def __init__(self, cron_job: Object, status: Object) -> None:
        self.cron_job, self.status = cron_job, status
