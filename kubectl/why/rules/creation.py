"""Nothing made the pod: the workload's controller was refused, or there is none at work."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, name_of, namespace_of, resource_version_of
from kubectl.describe.events import last_seen
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import WorkloadFacts
from kubectl.why.leases import lease_evidence, lease_trouble
from kubectl.why.rules import refusals

REASONS = ("FailedCreate", "ReplicaSetCreateError")


def refused(facts: WorkloadFacts) -> Diagnosis | None:
    """What the API server said when the controller wanted to create a pod."""
    evidence = _refusal(facts)
    if evidence is None:
        return None
    cause, what, fix = refusals.read(evidence.value, namespace_of(facts.obj))
    return Diagnosis(
        cause=cause,
        headline=f"no pod can be created for {_label(facts)}: {what}",
        evidence=(evidence,),
        fix=fix,
    )


def _refusal(facts: WorkloadFacts) -> Evidence | None:
    for obj in (*reversed(facts.sets), facts.obj):
        condition = condition_of(obj, "ReplicaFailure")
        if condition and condition.get("status") == "True":
            kind = "replicaset" if obj is not facts.obj else facts.kind.lower()
            return seen(kind, obj, "status.conditions[ReplicaFailure]", condition.get("message") or "")
    return _event(facts.events) if not facts.pods else None


def _event(events: Iterable[Object]) -> Evidence | None:
    event = max((each for each in events if each.get("reason") in REASONS), key=last_seen, default=None)
    if event is None:
        return None
    about = event.get("involvedObject") or {}
    return Evidence(
        f"{about.get('kind', '').lower()}/{about.get('name', '')}", f"event {event['reason']}",
        event.get("message") or "", resource_version_of(event),
    )  # fmt: skip


def unattended(facts: WorkloadFacts) -> Diagnosis | None:
    """The controller has not looked at what the object says now."""
    observed = get_path(facts.obj, "status.observedGeneration") or 0
    generation = get_path(facts.obj, "metadata.generation") or 0
    is_seen = observed >= generation and (observed or facts.pods or facts.sets)
    trouble = lease_trouble(facts.lease, facts.now)
    if is_seen or not trouble:
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"no controller looks after {_label(facts)}: kube-controller-manager {trouble}",
        evidence=(
            lease_evidence("kube-controller-manager", facts.lease),
            seen(facts.kind.lower(), facts.obj, "status.observedGeneration", f"{observed} of {generation}"),
        ),
        fix=Fix("start kube-controller-manager again", "sampan why"),
    )


def none_wanted(facts: WorkloadFacts) -> Diagnosis | None:
    """Nobody asked for a pod, or the rollout is paused."""
    namespace, label = namespace_of(facts.obj), _label(facts)
    if get_path(facts.obj, "spec.replicas") == 0:
        return Diagnosis(
            cause=Cause.SPEC,
            headline=f"{label} wants no pods: spec.replicas is 0",
            evidence=(seen(facts.kind.lower(), facts.obj, "spec.replicas", 0),),
            fix=Fix("ask for some", fixes.command("scale", namespace, label, "--replicas=1")),
        )
    if get_path(facts.obj, "spec.paused"):
        return Diagnosis(
            cause=Cause.SPEC,
            headline=f"the rollout of {label} is paused",
            evidence=(seen(facts.kind.lower(), facts.obj, "spec.paused", "true"),),
            fix=Fix("let it go on", fixes.command("rollout resume", namespace, label)),
        )
    if get_path(facts.obj, "spec.suspend"):
        return Diagnosis(
            cause=Cause.SPEC,
            headline=f"{label} is suspended",
            evidence=(seen(facts.kind.lower(), facts.obj, "spec.suspend", "true"),),
            fix=Fix(
                "let it go on",
                fixes.command("patch", namespace, label, "-p", '{"spec":{"suspend":false}}'),
            ),
        )
    return None


def given_up(facts: WorkloadFacts) -> Diagnosis | None:
    """A Job that is not tried again."""
    failed = condition_of(facts.obj, "Failed") or {}
    if facts.kind != "Job" or failed.get("status") != "True":
        return None
    reason, message = failed.get("reason", ""), failed.get("message", "")
    return Diagnosis(
        cause=Cause.APPLICATION,
        headline=f"{_label(facts)} has failed and is not tried again: {message or reason}",
        evidence=(seen("job", facts.obj, "status.conditions[Failed]", f"{reason}: {message}"),),
        fix=Fix("read what its pods said", fixes.command("logs", namespace_of(facts.obj), _label(facts))),
    )


def stuck(facts: WorkloadFacts) -> Diagnosis | None:
    """It has too few pods, and nothing says why."""
    progressing = condition_of(facts.obj, "Progressing") or {}
    if progressing.get("reason") != "ProgressDeadlineExceeded" or facts.troubles:
        return None
    return Diagnosis(
        cause=Cause.STARTING,
        headline=f"{_label(facts)} makes no progress: {progressing.get('message', '')}",
        confidence=Confidence.LIKELY,
        evidence=(
            seen(facts.kind.lower(), facts.obj, "status.conditions[Progressing]", progressing.get("reason")),
        ),
        fix=Fix("see its events", fixes.command("describe", namespace_of(facts.obj), _label(facts))),
    )


def _label(facts: WorkloadFacts) -> str:
    return f"{facts.kind.lower()}/{name_of(facts.obj)}"
