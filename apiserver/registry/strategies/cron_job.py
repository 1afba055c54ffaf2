"""CronJobs."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery.cron import ScheduleError, parse_schedule
from apimachinery.field import ErrorList, Errors, Path, invalid, not_supported, required
from apimachinery.objects import Object, get_path, name_of
from apiserver.registry.strategies.checks import non_negative_fields, one_of
from apiserver.registry.strategies.job import validate_job_spec
from apiserver.registry.strategies.job_policies import default_failure_policy
from apiserver.registry.strategies.podspec.defaults import default_template, fill, fill_absent
from apiserver.registry.strategies.tables import NONE, WIDE_TEMPLATE, age, columns, since, template_cells
from apiserver.registry.strategies.warnings.jobs import job_spec_warnings
from apiserver.registry.strategies.warnings.pods import is_new_generation, name_warnings
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_OLD_ZONE = (
    "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see "
    "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
)


class CronJobStrategy(Strategy):
    columns: Sequence[Column] = columns(
        "Schedule",
        "Timezone",
        Column("Suspend", "boolean"),
        Column("Active", "integer"),
        "Last Schedule",
        wide=WIDE_TEMPLATE,
    )

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill(spec, {"concurrencyPolicy": "Allow"})
        fill_absent(spec, {"suspend": False, "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1})
        template = spec.setdefault("jobTemplate", {})
        template.setdefault("metadata", {})
        job_spec = template.setdefault("spec", {})
        default_failure_policy(job_spec)
        default_template(job_spec.setdefault("template", {}))

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        errors = list(_validate_cron_job(obj["spec"]))
        if len(name_of(obj)) > 52:
            at = Path("metadata", "name")
            errors.append(invalid(at, name_of(obj), "must be no more than 52 characters"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_cron_job(new["spec"], old["spec"]))

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        found = [] if old else [*name_warnings(obj)]
        if is_new_generation(obj, old):
            found += job_spec_warnings("spec.jobTemplate.spec", get_path(obj, "spec.jobTemplate.spec", {}))
        if old and "TZ" in (obj["spec"].get("schedule") or ""):
            found.append(_OLD_ZONE)
        return found

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec, status = obj["spec"], obj.get("status") or {}
        last = status.get("lastScheduleTime")
        return [
            obj["metadata"]["name"],
            spec.get("schedule") or "",
            spec.get("timeZone") or NONE,
            "True" if spec.get("suspend") else "False",
            len(status.get("active") or ()),
            since(last, now) if last else NONE,
            age(obj, now),
            *template_cells(get_path(spec, "jobTemplate.spec", {})),
        ]


def _validate_cron_job(spec: Object, before: Object | None = None) -> Errors:
    schedule, at = spec.get("schedule") or "", _SPEC.child("schedule")
    if not schedule:
        yield required(at)
    else:
        yield from _parses(schedule, at)
    if "TZ" in schedule:
        if "TZ" not in ((before or {}).get("schedule") or ""):
            detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            yield invalid(at, schedule, detail)
        elif spec.get("timeZone") is not None:
            yield invalid(at, schedule, "cannot use both timeZone field and TZ or CRON_TZ in schedule")
    yield from non_negative_fields(spec, _SPEC, "startingDeadlineSeconds")
    if before is None or before.get("timeZone") != spec.get("timeZone"):
        yield from _time_zone(spec.get("timeZone"), _SPEC.child("timeZone"))
    policies = ("Allow", "Forbid", "Replace")
    yield from one_of(spec.get("concurrencyPolicy"), _SPEC.child("concurrencyPolicy"), policies)
    job, at = get_path(spec, "jobTemplate.spec", {}), _SPEC.child("jobTemplate", "spec")
    yield from validate_job_spec(job, at)
    if job.get("selector") is not None:
        yield invalid(at.child("selector"), job["selector"], "`selector` will be auto-generated")
    if job.get("manualSelector"):
        yield not_supported(at.child("manualSelector"), True, ["nil", "false"])
    yield from non_negative_fields(spec, _SPEC, "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


def _parses(schedule: str, path: Path) -> Errors:
    text = schedule.partition(" ")[2] if schedule.startswith(("TZ=", "CRON_TZ=")) else schedule
    try:
        parse_schedule(text)
    except ScheduleError as error:
        yield invalid(path, schedule, str(error))


def _time_zone(zone: str | None, path: Path) -> Errors:
    if zone is None:
        return
    if not zone:
        yield invalid(path, zone, "timeZone must be nil or non-empty string")
    elif zone.lower() == "local":
        yield invalid(
            path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        )
    else:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            yield invalid(path, zone, f"unknown time zone {zone}")
