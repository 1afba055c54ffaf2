"""The pods of a Job: how they are made, what tells them apart, when they ended. Pure.

Source: pkg/controller/job/{indexed_job_utils,tracking_utils,backoff_utils}.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, annotations_of, get_path, is_terminating, name_of
from apimachinery.pods import is_sidecar, phase_of
from apimachinery.times import parse_time
from controller_manager.pod_control import pod_from_template

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED_FAILURES = "batch.kubernetes.io/job-index-ignored-failure-count"

_INDEX_VARIABLE: Object = {
    "name": "JOB_COMPLETION_INDEX",
    "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}},
}
NO_INDEX = -1

_LONGEST_PREFIX = 58
"""Of a generated name: five letters come behind it."""


def is_indexed(job: Object) -> bool:
    return bool(job["spec"].get("completionMode") == "Indexed")


def has_limit_per_index(job: Object) -> bool:
    return is_indexed(job) and job["spec"].get("backoffLimitPerIndex") is not None


def replaces_only_failed(job: Object) -> bool:
    """Whether a pod that is being deleted is waited for before another one takes its place."""
    return bool(job["spec"].get("podReplacementPolicy") == "Failed")


def new_pod(job: Object, index: int | None, failures: tuple[int, int] = (0, 0)) -> Object:
    """A pod, yet to be created; `failures` of its index are handed down to it: counted and ignored ones."""
    pod = pod_from_template(job, job["spec"]["template"])
    metadata = pod["metadata"]
    metadata["finalizers"] = [*dict.fromkeys([*metadata.get("finalizers", ()), FINALIZER])]
    if index is None:
        return pod
    metadata["generateName"] = _generated_name(name_of(job), index)
    metadata["labels"] = {**metadata.get("labels", {}), INDEX: str(index)}
    annotations = {**metadata.get("annotations", {}), INDEX: str(index)}
    if has_limit_per_index(job):
        counted, ignored = failures
        annotations |= {FAILURES: str(counted), **({IGNORED_FAILURES: str(ignored)} if ignored else {})}
    metadata["annotations"] = annotations
    pod["spec"]["hostname"] = f"{name_of(job)}-{index}"
    for kind in ("initContainers", "containers"):
        for container in pod["spec"].get(kind) or ():
            _tell_index(container)
    return pod


def _generated_name(job: str, index: int) -> str:
    suffix = f"-{index}-"
    return job[: _LONGEST_PREFIX - len(suffix)] + suffix


def _tell_index(container: Object) -> None:
    env = container.get("env") or []
    if not any(each["name"] == _INDEX_VARIABLE["name"] for each in env):
        container["env"] = [*env, _INDEX_VARIABLE]


def index_of(pod: Object) -> int:
    """The completion index, or NO_INDEX."""
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdigit() else NO_INDEX


def failures_of(pod: Object) -> tuple[int, int]:
    """How many pods of its index had failed before this one: those that count, and those to be ignored."""
    return _number(pod, FAILURES), _number(pod, IGNORED_FAILURES)


def _number(pod: Object, annotation: str) -> int:
    text = annotations_of(pod).get(annotation, "")
    return int(text) if text.isdigit() and int(text) < 2**31 else 0


def is_tracked(pod: Object) -> bool:
    """Whether the pod is still to be counted: the finalizer keeps it until then."""
    return FINALIZER in get_path(pod, "metadata.finalizers", [])


def is_over(pod: Object) -> bool:
    """Whether nothing holds the pod any more: the write that took the last finalizer away deleted it."""
    metadata = pod["metadata"]
    held = metadata.get("finalizers") or metadata.get("deletionGracePeriodSeconds")
    return is_terminating(pod) and not held


def is_failed(pod: Object, job: Object) -> bool:
    """A pod that is being deleted counts as failed at once, unless its end is to be waited for."""
    if phase_of(pod) == "Failed":
        return True
    return is_terminating(pod) and phase_of(pod) != "Succeeded" and not replaces_only_failed(job)


def finished_at(pod: Object) -> datetime:
    """When the last container or sidecar ended, as far as anybody knows."""
    metadata = pod["metadata"]
    sidecars = {each["name"] for each in get_path(pod, "spec.initContainers", []) if is_sidecar(each)}
    init = get_path(pod, "status.initContainerStatuses", [])
    lasting = [each for each in init if each["name"] in sidecars]
    times = _ends([*get_path(pod, "status.containerStatuses", []), *lasting])
    if times:
        return max(times)
    ready = condition_of(pod, "Ready") or {}
    if ready.get("status") == "False" and ready.get("lastTransitionTime"):
        return parse_time(ready["lastTransitionTime"])
    if metadata.get("deletionTimestamp"):
        grace = metadata.get("deletionGracePeriodSeconds") or 0
        return parse_time(metadata["deletionTimestamp"]) - timedelta(seconds=grace)
    return parse_time(metadata["creationTimestamp"])


def _ends(statuses: Sequence[Object]) -> list[datetime]:
    """When each container ended; nothing if one hasn't."""
    ends = [get_path(each, "state.terminated.finishedAt") for each in statuses]
    return [parse_time(end) for end in ends] if all(ends) else []
