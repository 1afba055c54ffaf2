"""Nothing is wrong, it is just not there yet: what is being waited for."""

from __future__ import annotations

from apimachinery.objects import get_path
from apimachinery.times import parse_time
from kubectl.why.containers import troubled
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import last_step, node_name

_STEPS = {
    "seen": "its volumes are being set up",
    "volumes": "its sandbox is being made",
    "sandbox": "its images are being fetched",
    "image": "its containers are being made",
    "config": "its containers are being made",
    "create": "its containers are being started",
    "start": "its containers have been started, and are not ready yet",
    "all started": "all containers run, and not all are ready yet",
}


def starting(facts: PodFacts) -> Diagnosis | None:
    waiting = [each.name for each in troubled(facts.pod)]
    if not waiting:
        return None
    age = (facts.now - parse_time(get_path(facts.pod, "metadata.creationTimestamp"))).total_seconds()
    step = last_step(facts)
    doing = _STEPS.get(step["step"], "") if step else ""
    shown = [seen("pod", facts.pod, "status.phase", get_path(facts.pod, "status.phase") or "not set")]
    if step:
        shown.append(
            Evidence(f"kubelet/{node_name(facts)}", f"step {step['step']}", f"done at {step['time']}")
        )
    return Diagnosis(
        cause=Cause.STARTING,
        headline=f"the pod is {age:.0f} s old and starting"
        + (f": {doing}" if doing else f": not ready yet are {', '.join(waiting)}"),
        confidence=Confidence.CERTAIN if doing else Confidence.LIKELY,
        evidence=tuple(shown),
        fix=Fix("wait"),
    )
