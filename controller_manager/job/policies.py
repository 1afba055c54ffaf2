"""podFailurePolicy and successPolicy: what the end of a pod means to its Job. Pure.

Source: pkg/controller/job/{pod_failure_policy,success_policy}.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apimachinery.objects import Object, get_path, name_of, namespace_of
from controller_manager.job.indexes import Indexes


@dataclass(frozen=True, slots=True)
class Meaning:
    """Of a failed pod."""

    counts: bool = True
    """Against backoffLimit."""
    fails_index: bool = False
    fails_job: str = ""
    """Why the whole Job fails, if it does."""


def meaning_of(job: Object, pod: Object) -> Meaning:
    """The first rule that matches decides; without one the failure counts."""
    for number, rule in enumerate(get_path(job, "spec.podFailurePolicy.rules", [])):
        found = _match(rule, pod)
        if found:
            return _meaning(rule["action"], f"{found} matching {rule['action']} rule at index {number}")
    return Meaning()


def _meaning(action: str, text: str) -> Meaning:
    match action:
        case "Ignore":
            return Meaning(counts=False)
        case "FailIndex":
            return Meaning(fails_index=True)
        case "FailJob":
            return Meaning(fails_job=text)
    return Meaning()


def _match(rule: Object, pod: Object) -> str:
    """What of the pod the rule speaks of; "" if it doesn't match."""
    about = f"{namespace_of(pod)}/{name_of(pod)}"
    if rule.get("onExitCodes") is not None:
        status = _ended_as(rule["onExitCodes"], pod)
        if status is None:
            return ""
        code = status["state"]["terminated"]["exitCode"]
        return f"Container {status['name']} for pod {about} failed with exit code {code}"
    conditions = get_path(pod, "status.conditions", [])
    for wanted in rule.get("onPodConditions") or ():
        if any(_holds(wanted, each) for each in conditions):
            return f"Pod {about} has condition {wanted['type']}"
    return ""


def _holds(wanted: Mapping[str, str], condition: Object) -> bool:
    told = condition.get("type"), condition.get("status")
    return told == (wanted["type"], wanted.get("status") or "True")


def _ended_as(requirement: Object, pod: Object) -> Object | None:
    """The first container that ended with one of the codes; success is no failure whatever the rule says."""
    statuses: list[Object] = [
        *get_path(pod, "status.containerStatuses", []),
        *get_path(pod, "status.initContainerStatuses", []),
    ]
    for status in statuses:
        code = get_path(status, "state.terminated.exitCode", 0)
        if requirement.get("containerName") not in (None, status["name"]) or not code:
            continue
        if (code in requirement["values"]) == (requirement["operator"] == "In"):
            return status
    return None


def met_success_policy(job: Object, succeeded: Indexes) -> str:
    """Which rule of the success policy holds; "" if none does."""
    completions = job["spec"].get("completions") or 0
    for number, rule in enumerate(get_path(job, "spec.successPolicy.rules", [])):
        wanted = Indexes.parse(rule.get("succeededIndexes") or f"0-{completions - 1}", completions)
        count = rule.get("succeededCount")
        if len(wanted & succeeded) >= (len(wanted) if count is None else count):
            return f"Matched rules at index {number}"
    return ""
