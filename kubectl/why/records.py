"""What the pod's kubelet and the Events tell, as evidence."""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.objects import Object, resource_version_of
from apimachinery.times import parse_time
from kubectl.describe.events import last_seen
from kubectl.why.diagnosis import Evidence
from kubectl.why.facts import PodFacts


def step_evidence(facts: PodFacts, step: str, container: str = "") -> Iterator[Evidence]:
    """How a step of the pod's start failed, the last time it did."""
    failed = [
        each
        for each in (facts.record.steps if facts.record else ())
        if each["step"] == step and each.get("error") and each.get("container", "") == container
    ]
    for each in failed[-1:]:
        times = f"failed {each['count']} times" if each.get("count") else "failed"
        yield Evidence(f"kubelet/{node_name(facts)}", f"step {step}", f"{times}: {each['error']}")


def last_step(facts: PodFacts) -> Object | None:
    """How far the kubelet has come with the pod: what it did again does not count."""
    steps = sorted(facts.record.steps if facts.record else (), key=lambda each: parse_time(each["time"]))
    return steps[-1] if steps else None


def last_event(facts: PodFacts, *reasons: str) -> Object | None:
    """The newest Event of the pod with one of these reasons."""
    found = [each for each in facts.events if each.get("reason") in reasons]
    return max(found, key=last_seen, default=None)


def event_evidence(facts: PodFacts, event: Object) -> Evidence:
    field = f"event {event.get('reason')}"
    count = int(event.get("count") or 1)
    times = f" (x{count})" if count > 1 else ""
    return Evidence(
        f"pod/{facts.name}", field, f"{event.get('message', '').strip()}{times}", resource_version_of(event)
    )


def node_name(facts: PodFacts) -> str:
    return str(facts.pod["spec"].get("nodeName") or "")
