"""Jobs and CronJobs."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery.conditions import is_condition_true
from apimachinery.durations import human_duration
from apimachinery.field import ErrorList, Path, invalid, not_supported, required
from apimachinery.labels import selector_from_label_selector
from apimachinery.metadata import validate_label_selector, validate_labels
from apimachinery.objects import Object, get_path, is_terminating, labels_of, name_of, uid_of
from apimachinery.times import parse_time, seconds_between
from apiserver.registry.strategies.checks import Errors, immutable, non_negative_fields, one_of, same
from apiserver.registry.strategies.cron import is_schedule
from apiserver.registry.strategies.pod_warnings import controller_warnings
from apiserver.registry.strategies.podspec.defaults import default_template, fill, fill_absent
from apiserver.registry.strategies.podspec.spec import validate_template
from apiserver.registry.strategies.tables import NONE, WIDE_TEMPLATE, age, columns, since, template_cells
from apiserver.registry.strategies.workloads import is_usable
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_UID, _NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
_OLD_LABELS = {"controller-uid": _UID, "job-name": _NAME}
_COUNTS = (
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
)
_MAX_INT32 = 2**31 - 1


def default_job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    limit = 6 if spec.get("backoffLimitPerIndex") is None else _MAX_INT32
    replacement = "TerminatingOrFailed" if spec.get("podFailurePolicy") is None else "Failed"
    fill_absent(
        spec,
        {
            "parallelism": 1,
            "backoffLimit": limit,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": replacement,
            "manualSelector": False,
        },
    )


class JobStrategy(Strategy):
    default_delete_propagation = "Orphan"
    columns: Sequence[Column] = columns("Status", "Completions", "Duration", wide=WIDE_TEMPLATE)

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        default_job_spec(spec)
        default_template(spec.setdefault("template", {}))
        _label_like_template(obj)

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}
        if not obj["spec"].get("manualSelector"):
            _generate_selector(obj)
        _label_like_template(obj)

    def validate(self, obj: Object) -> ErrorList:
        return [*_generated_labels(obj), *validate_job_spec(obj["spec"], _SPEC)]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*validate_job_spec(new["spec"], _SPEC), *_job_changes(new, old)]

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        return controller_warnings(obj) if old is None else []

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.successful": str(get_path(obj, "status.succeeded", 0))}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        return [
            obj["metadata"]["name"],
            _job_status(obj),
            _completions(obj),
            _duration(obj, now),
            age(obj, now),
            *template_cells(obj["spec"]),
        ]


def _label_like_template(job: Object) -> None:
    labels = get_path(job, "spec.template.metadata.labels")
    if labels and not labels_of(job):
        job["metadata"]["labels"] = dict(labels)


def _generate_selector(job: Object) -> None:
    """A label that no other Job can have; upstream's older names of it are set too."""
    values = {_UID: uid_of(job), _NAME: name_of(job)}
    metadata = job["spec"]["template"].setdefault("metadata", {})
    labels = {**(metadata.get("labels") or {})}
    for label in (*_OLD_LABELS, *_OLD_LABELS.values()):
        labels[label] = values[_OLD_LABELS.get(label, label)]
    metadata["labels"] = labels
    selector = job["spec"].get("selector") or {}
    given = selector.get("matchLabels") or {}
    job["spec"]["selector"] = {**selector, "matchLabels": {**given, _UID: uid_of(job)}}


def _generated_labels(job: Object) -> Errors:
    """A selector the user chose needs manualSelector, or it could take over another Job's pods."""
    selector = job["spec"].get("selector") or {}
    labels = get_path(job, "spec.template.metadata.labels", {})
    if job["spec"].get("manualSelector") or not selector:
        return
    if not is_usable(selector):
        return
    selected = selector_from_label_selector(selector).matches(labels)
    if not selected or (selector.get("matchLabels") or {}).get(_UID) != uid_of(job):
        yield invalid(_SPEC.child("selector"), selector, "`selector` not auto-generated")


def validate_job_spec(spec: Object, path: Path, *, in_cron_job: bool = False) -> Errors:
    yield from non_negative_fields(spec, path, *_COUNTS)
    selector, template, at = spec.get("selector"), spec.get("template") or {}, path.child("template")
    if selector is None:
        if not in_cron_job:
            yield required(path.child("selector"))
    else:
        yield from validate_label_selector(selector, path.child("selector"))
        yield from _selects(selector, template, at)
    modes = ("NonIndexed", "Indexed")
    mode = spec.get("completionMode")
    yield from one_of(mode, path.child("completionMode"), modes, optional=True)
    if mode == "Indexed":
        yield from _indexed(spec, path)
    elif spec.get("backoffLimitPerIndex") is not None:
        detail = "requires indexed completion mode"
        yield invalid(path.child("backoffLimitPerIndex"), spec["backoffLimitPerIndex"], detail)
    yield from validate_template(template, at)
    yield from _restart_policy(spec, template, at.child("spec", "restartPolicy"))


def _selects(selector: Object, template: Object, path: Path) -> Errors:
    labels = get_path(template, "metadata.labels", {})
    if is_usable(selector) and not selector_from_label_selector(selector).matches(labels):
        yield invalid(path.child("metadata", "labels"), labels, "`selector` does not match template `labels`")


def _indexed(spec: Object, path: Path) -> Errors:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    if completions is None:
        yield required(path.child("completions"), "when completion mode is Indexed")
    if parallelism > 100000:
        detail = "must be less than or equal to 100000 when completion mode is Indexed"
        yield invalid(path.child("parallelism"), parallelism, detail)


def _restart_policy(spec: Object, template: Object, path: Path) -> Errors:
    policy = (template.get("spec") or {}).get("restartPolicy")
    if policy in ("", None, "Always"):
        yield required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        yield not_supported(path, policy, ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        yield invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _job_changes(new: Object, old: Object) -> Errors:
    spec, before = new["spec"], old["spec"]
    if spec.get("completionMode") != "Indexed" or before.get("completions") is None:
        yield from immutable(spec.get("completions"), before.get("completions"), _SPEC.child("completions"))
    elif not same(spec.get("completions"), before["completions"]) and (
        spec.get("completions") != spec.get("parallelism")
    ):
        detail = "can only be modified in tandem with spec.parallelism"
        yield invalid(_SPEC.child("completions"), spec.get("completions"), detail)
    yield from immutable(spec.get("selector"), before.get("selector"), _SPEC.child("selector"))
    if not before.get("suspend") or get_path(old, "status.startTime"):
        yield from immutable(spec.get("template"), before.get("template"), _SPEC.child("template"))
    for field in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        yield from immutable(spec.get(field), before.get(field), _SPEC.child(field))


def _job_status(job: Object) -> str:
    if is_condition_true(job, "Complete"):
        return "Complete"
    if is_condition_true(job, "Failed"):
        return "Failed"
    if is_terminating(job):
        return "Terminating"
    for condition in ("Suspended", "FailureTarget", "SuccessCriteriaMet"):
        if is_condition_true(job, condition):
            return condition
    return "Running"


def _completions(job: Object) -> str:
    succeeded, spec = get_path(job, "status.succeeded", 0), job["spec"]
    if spec.get("completions") is not None:
        return f"{succeeded}/{spec['completions']}"
    parallelism = spec.get("parallelism") or 0
    return f"{succeeded}/1 of {parallelism}" if parallelism > 1 else f"{succeeded}/1"


def _duration(job: Object, now: datetime) -> str:
    start, end = get_path(job, "status.startTime"), get_path(job, "status.completionTime")
    if not start:
        return ""
    if end:
        return human_duration(seconds_between(parse_time(start), parse_time(end)))
    return since(start, now)


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
        default_template(template.setdefault("spec", {}).setdefault("template", {}))

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> ErrorList:
        errors = list(_validate_cron_job(obj["spec"]))
        if len(name_of(obj)) > 52:
            at = Path("metadata", "name")
            errors.append(invalid(at, name_of(obj), "must be no more than 52 characters"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_cron_job(new["spec"]))

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


def _validate_cron_job(spec: Object) -> Errors:
    schedule, at = spec.get("schedule") or "", _SPEC.child("schedule")
    if not schedule:
        yield required(at)
    elif wrong := is_schedule(schedule):
        yield invalid(at, schedule, wrong)
    if "TZ" in schedule:
        detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
        yield invalid(at, schedule, detail)
    yield from _time_zone(spec.get("timeZone"), _SPEC.child("timeZone"))
    yield from non_negative_fields(spec, _SPEC, "startingDeadlineSeconds")
    policies = ("Allow", "Forbid", "Replace")
    yield from one_of(spec.get("concurrencyPolicy"), _SPEC.child("concurrencyPolicy"), policies)
    template, at = spec.get("jobTemplate") or {}, _SPEC.child("jobTemplate")
    yield from validate_labels(get_path(template, "metadata.labels", {}), at.child("metadata", "labels"))
    job = template.get("spec") or {}
    if job.get("manualSelector"):
        yield not_supported(at.child("spec", "manualSelector"), True, ["nil", "false"])
    yield from validate_job_spec(job, at.child("spec"), in_cron_job=True)
    yield from non_negative_fields(spec, _SPEC, "successfulJobsHistoryLimit", "failedJobsHistoryLimit")


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
