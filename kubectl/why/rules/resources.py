"""Too little of something: a container killed at its memory limit, a pod evicted by its node."""

from __future__ import annotations

from apimachinery.objects import get_path
from apimachinery.quantity import Quantity
from apimachinery.times import parse_time, seconds_between
from kubectl.why import fixes
from kubectl.why.containers import OOM_KILLED, Container, containers_of
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event

_REFUSALS = ("OutOfcpu", "OutOfmemory", "OutOfpods", "OutOfephemeral-storage")


def killed(facts: PodFacts) -> Diagnosis | None:
    for container in containers_of(facts.pod):
        if container.ended.get("reason") == OOM_KILLED and not container.is_well:
            return _out_of_memory(facts, container)
    return None


def _out_of_memory(facts: PodFacts, container: Container) -> Diagnosis:
    limit = get_path(container.spec, "resources.limits.memory")
    where = f"at its memory limit of {limit}" if limit else "by the kernel, as the node ran out of memory"
    again = f", {container.restarts + 1} times so far" if container.restarts else ""
    ended = container.ended
    evidence = [
        seen("pod", facts.pod, container.ended_field, f"{OOM_KILLED}, exit code {ended.get('exitCode')}")
    ]
    if limit:
        field = f"spec.containers[{container.name}].resources.limits.memory"
        evidence.append(seen("pod", facts.pod, field, limit))
    return Diagnosis(
        cause=Cause.RESOURCES,
        headline=f"{container.label} was killed {where} {lifetime(container)} after it started{again}",
        evidence=tuple(evidence),
        fix=_more_memory(facts, container, limit),
    )


def lifetime(container: Container) -> str:
    started, finished = container.ended.get("startedAt"), container.ended.get("finishedAt")
    if not started or not finished:
        return "some time"
    seconds = seconds_between(parse_time(started), parse_time(finished))
    return "less than a second" if seconds < 1 else f"{seconds:.0f} s"


def _more_memory(facts: PodFacts, container: Container, limit: str | None) -> Fix:
    if not limit:
        return Fix(
            "say what it needs, so that it is placed where there is room",
            fixes.set_resources(facts, container, "--requests=memory=256Mi", "").command,
        )
    twice = str(Quantity.parse(limit) * 2)
    return fixes.set_resources(
        facts,
        container,
        f"--limits=memory={twice}",
        f"give it twice as much, or make it use less than {limit}",
    )


def evicted(facts: PodFacts) -> Diagnosis | None:
    status = facts.pod.get("status") or {}
    reason, message = status.get("reason") or "", status.get("message") or ""
    if reason not in ("Evicted", *_REFUSALS):
        return None
    event = last_event(facts, "Evicted")
    verb = "evicted it" if reason == "Evicted" else "refused it"
    return Diagnosis(
        cause=Cause.RESOURCES,
        headline=f"node {facts.pod['spec'].get('nodeName', '')} {verb}: {message.strip().rstrip('.')}",
        evidence=(
            seen("pod", facts.pod, "status.reason", f"{reason}: {message.strip()}"),
            *([event_evidence(facts, event)] if event else []),
        ),
        fix=Fix(
            "free the node of what fills it, or ask for what the pod uses; then remove what is left of it",
            fixes.command("delete pod", facts.namespace, facts.name),
        ),
    )
