"""A volume can't be mounted, or the claim behind it has none."""

from __future__ import annotations

import re
from shlex import quote

from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event, step_evidence
from kubectl.why.rules.claims import claim as why_claim
from kubectl.why.rules.config import KINDS, NO_OBJECT, creation, deletion_evidence, missing_object

_REASONS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_VOLUME = re.compile(r'for volume "([^"]+)"')
_HOST_PATH = re.compile(r"hostPath type check failed: (\S+) (is not .+)")
_ELSEWHERE = re.compile(r"Multi-Attach error")


def claims(facts: PodFacts) -> Diagnosis | None:
    """The first claim of the pod that isn't bound."""
    for each in facts.claims:
        if found := why_claim(each, facts.namespace):
            return found
    return None


def volumes(facts: PodFacts) -> Diagnosis | None:
    event = last_event(facts, *_REASONS)
    if event is None or _has_sandbox(facts):
        return None
    message = event.get("message") or ""
    volume = found[1] if (found := _VOLUME.search(message)) else ""
    headline, fix = _what(facts, volume, message)
    return Diagnosis(
        cause=Cause.VOLUME,
        headline=headline,
        evidence=(
            event_evidence(facts, event),
            *step_evidence(facts, "volumes"),
            *_deleted(facts, message),
        ),
        fix=fix,
    )


def _has_sandbox(facts: PodFacts) -> bool:
    """Volumes come first: where there is an address or a running container, they were mounted after all."""
    status = facts.pod.get("status") or {}
    running = any("running" in (each.get("state") or {}) for each in status.get("containerStatuses") or ())
    return bool(status.get("podIP")) or running


def _what(facts: PodFacts, volume: str, message: str) -> tuple[str, Fix]:
    if found := NO_OBJECT.search(message):
        kind, name = KINDS[found[1]], found[2]
        return f'volume "{volume}" needs {missing_object(facts, kind, name)}', creation(
            kind, name, facts.namespace
        )
    if found := _HOST_PATH.search(message):
        path, complaint = found[1], found[2]
        node = facts.pod["spec"].get("nodeName", "")
        make = Fix(f"make {path} on node {node}, or say type: DirectoryOrCreate", f"mkdir -p {quote(path)}")
        return f'volume "{volume}" wants {path} of node {node}, which {complaint}', make
    if _ELSEWHERE.search(message):
        return (
            f'volume "{volume}" is still attached to another node',
            Fix("end the pod that has it there; a volume that is ReadWriteOnce is on one node at a time"),
        )
    told = message.partition(" : ")[2] or message
    return f'volume "{volume}" cannot be mounted: {told.strip()}', Fix("see what the kubelet was told")


def _deleted(facts: PodFacts, message: str) -> tuple[Evidence, ...]:
    found = NO_OBJECT.search(message)
    return deletion_evidence(facts, KINDS[found[1]], found[2]) if found else ()
