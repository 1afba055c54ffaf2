"""Jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.conditions import is_condition_true
from apimachinery.durations import human_duration
from apimachinery.field import ErrorList, Errors, Path, invalid, not_supported, required, too_long
from apimachinery.labels import selector_from_label_selector
from apimachinery.metadata import validate_label_selector
from apimachinery.objects import Object, get_path, is_terminating, labels_of, name_of, uid_of
from apimachinery.times import parse_time, seconds_between
from apiserver.registry.strategies.checks import (
    MAX_INT32,
    domain_prefixed_path,
    immutable,
    non_negative_fields,
    one_of,
    same,
)
from apiserver.registry.strategies.job_policies import (
    default_failure_policy,
    validate_failure_policy,
    validate_success_policy,
)
from apiserver.registry.strategies.job_status import validate_job_status_update
from apiserver.registry.strategies.podspec.defaults import default_template, fill_absent
from apiserver.registry.strategies.podspec.spec import validate_template
from apiserver.registry.strategies.tables import WIDE_TEMPLATE, age, columns, since, template_cells
from apiserver.registry.strategies.warnings.jobs import job_spec_warnings
from apiserver.registry.strategies.warnings.pods import is_new_generation, name_warnings
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
_MODES = ("NonIndexed", "Indexed")
_MAX_INDEXED = 100_000
_MAX_OF_MANY = 10_000
_MAX_MANAGED_BY = 63


def default_job_spec(spec: Object) -> None:
    if spec.get("completions") is None and spec.get("parallelism") is None:
        spec["completions"] = spec["parallelism"] = 1
    limit = 6 if spec.get("backoffLimitPerIndex") is None else MAX_INT32
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
    default_failure_policy(spec)


class JobStrategy(Strategy):
    default_delete_propagation = "Orphan"
    default_delete_warning = (
        "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to "
        "remove them or set propagationPolicy=Orphan to suppress this warning"
    )
    unselectable = 'field label "{}" not supported for Job'
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
        return [*_generated_labels(obj), *_validate_selected(obj["spec"]), *_names_hosts(obj)]

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return [*_validate_selected(new["spec"]), *_job_changes(new, old)]

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        return validate_job_status_update(new, old)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        found = [*name_warnings(obj)] if old is None else []
        if is_new_generation(obj, old):
            found += job_spec_warnings("spec", obj["spec"])
        return found

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
    """Shares the template's labels: what is generated among them becomes the Job's, too, as upstream."""
    labels = get_path(job, "spec.template.metadata.labels")
    if labels and not labels_of(job):
        job["metadata"]["labels"] = labels


def _generate_selector(job: Object) -> None:
    """A label that no other Job can have; upstream's older names of it are set too."""
    values = {_UID: uid_of(job), _NAME: name_of(job)}
    metadata = job["spec"]["template"].setdefault("metadata", {})
    metadata["labels"] = metadata.get("labels") or {}
    for label in (*_OLD_LABELS, *_OLD_LABELS.values()):
        metadata["labels"][label] = values[_OLD_LABELS.get(label, label)]
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


def _names_hosts(job: Object) -> Errors:
    """Pods of an indexed Job are hosts called after it and their index."""
    completions = job["spec"].get("completions") or 0
    if job["spec"].get("completionMode") == "Indexed" and completions > 0:
        last = f"{name_of(job)}-{completions - 1}"
        if names.is_dns1123_label(last):
            detail = f"will not able to create pod with invalid DNS label: {last}"
            yield invalid(Path("metadata", "name"), name_of(job), detail)


def _validate_selected(spec: Object) -> Errors:
    """A Job's own spec: a CronJob's template of one has no selector."""
    yield from validate_job_spec(spec, _SPEC)
    selector, template, at = spec.get("selector"), spec.get("template") or {}, _SPEC.child("selector")
    if selector is None:
        yield required(at)
    else:
        yield from validate_label_selector(selector, at)
        yield from _selects(selector, template, _SPEC.child("template"))


def validate_job_spec(spec: Object, path: Path) -> Errors:
    yield from non_negative_fields(spec, path, *_COUNTS)
    template = spec.get("template") or {}
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        yield required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified")
    yield from _managed_by(spec.get("managedBy"), path.child("managedBy"))
    mode = spec.get("completionMode")
    if mode not in (None, *_MODES):
        yield not_supported(path.child("completionMode"), mode, _MODES)
    if mode == "Indexed":
        yield from _indexed(spec, path)
    elif mode in (None, "NonIndexed"):
        yield from _not_indexed(spec, path)
    if spec.get("podFailurePolicy") is not None:
        yield from validate_failure_policy(spec, path.child("podFailurePolicy"))
    if spec.get("successPolicy") is not None:
        at = path.child("successPolicy")
        if mode == "Indexed":
            yield from validate_success_policy(spec, at)
        else:
            yield invalid(at, spec["successPolicy"], "requires indexed completion mode")
    yield from _replacement_policy(spec, path.child("podReplacementPolicy"))
    at = path.child("template")
    yield from validate_template(template, at)
    yield from _restart_policy(spec, template, at.child("spec", "restartPolicy"))


def _selects(selector: Object, template: Object, path: Path) -> Errors:
    labels = get_path(template, "metadata.labels")
    if is_usable(selector) and not selector_from_label_selector(selector).matches(labels or {}):
        yield invalid(path.child("metadata", "labels"), labels, "`selector` does not match template `labels`")


def _managed_by(controller: str | None, path: Path) -> Errors:
    if controller is None:
        return
    yield from domain_prefixed_path(controller, path)
    if len(controller) > _MAX_MANAGED_BY:
        yield too_long(path, controller, _MAX_MANAGED_BY)


def _not_indexed(spec: Object, path: Path) -> Errors:
    for field in ("backoffLimitPerIndex", "maxFailedIndexes"):
        if spec.get(field) is not None:
            yield invalid(path.child(field), spec[field], "requires indexed completion mode")


def _indexed(spec: Object, path: Path) -> Errors:
    completions, parallelism = spec.get("completions"), spec.get("parallelism") or 0
    most = spec.get("maxFailedIndexes") or 0
    if completions is None:
        yield required(path.child("completions"), "when completion mode is Indexed")
    if parallelism > _MAX_INDEXED:
        detail = f"must be less than or equal to {_MAX_INDEXED} when completion mode is Indexed"
        yield invalid(path.child("parallelism"), parallelism, detail)
    if completions is not None and most > completions:
        yield invalid(path.child("maxFailedIndexes"), most, "must be less than or equal to completions")
    if most > _MAX_INDEXED:
        detail = f"must be less than or equal to {_MAX_INDEXED}"
        yield invalid(path.child("maxFailedIndexes"), most, detail)
    if spec.get("backoffLimitPerIndex") is not None and (completions or 0) > _MAX_INDEXED:
        yield from _many_indexes(spec, path)


def _many_indexes(spec: Object, path: Path) -> Errors:
    """The failed indexes of a huge Job must fit into its status."""
    if spec.get("maxFailedIndexes") is None:
        detail = f"must be specified when completions is above {_MAX_INDEXED}"
        yield required(path.child("maxFailedIndexes"), detail)
    for field in ("parallelism", "maxFailedIndexes"):
        if (spec.get(field) or 0) > _MAX_OF_MANY:
            detail = (
                f"must be less than or equal to {_MAX_OF_MANY} when completions are above {_MAX_INDEXED} "
                "and used with backoff limit per index"
            )
            yield invalid(path.child(field), spec[field], detail)


def _replacement_policy(spec: Object, path: Path) -> Errors:
    policy = spec.get("podReplacementPolicy")
    allowed = ("Failed",) if spec.get("podFailurePolicy") is not None else ("Failed", "TerminatingOrFailed")
    yield from one_of(policy, path, allowed, optional=True)


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
    template, kept = spec.get("template") or {}, before.get("template") or {}
    if before.get("suspend") and not get_path(old, "status.startTime"):
        kept = _with_scheduling_of(template, kept)
    yield from immutable(template, kept, _SPEC.child("template"))
    for field in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        yield from immutable(spec.get(field), before.get(field), _SPEC.child(field))


def _with_scheduling_of(new: Object, old: Object) -> Object:
    """A Job that has not started yet may be told where to run."""
    metadata = {**(old.get("metadata") or {})}
    for field in ("labels", "annotations"):
        metadata[field] = get_path(new, f"metadata.{field}")
    spec = {**(old.get("spec") or {})}
    for field in ("nodeSelector", "tolerations", "schedulingGates"):
        spec[field] = get_path(new, f"spec.{field}")
    node_affinity = get_path(new, "spec.affinity.nodeAffinity")
    spec["affinity"] = {**(spec.get("affinity") or {}), "nodeAffinity": node_affinity}
    return {**old, "metadata": metadata, "spec": spec}


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
