"""Why a node takes no pods, or none can be seen there: its kubelet, its conditions, its taints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path, name_of
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, ranked, seen
from kubectl.why.leases import lease_evidence, lease_trouble

_PRESSURES = {
    "MemoryPressure": "memory",
    "DiskPressure": "disk",
    "PIDPressure": "process ids",
}


@dataclass(frozen=True, slots=True)
class NodeFacts:
    node: Object
    lease: Object | None
    now: datetime

    @property
    def name(self) -> str:
        return name_of(self.node)


def silent(facts: NodeFacts) -> Diagnosis | None:
    """Its kubelet does not renew the lease, or the node controller has not heard of it for long."""
    trouble = lease_trouble(facts.lease, facts.now)
    ready = condition_of(facts.node, "Ready") or {}
    if not trouble and ready.get("status") != "Unknown":
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"the kubelet of node {facts.name} is silent: it {trouble or 'is said to be unknown'}",
        evidence=(lease_evidence(facts.name, facts.lease), _ready(facts)),
        fix=Fix(f"on {facts.name}, see whether it runs and what its log says", "sampan status"),
    )


def _ready(facts: NodeFacts) -> Evidence:
    ready = condition_of(facts.node, "Ready") or {}
    said = f"{ready.get('status')}: {ready.get('reason')}"
    return seen("node", facts.node, "status.conditions[Ready]", said)


def not_ready(facts: NodeFacts) -> Diagnosis | None:
    ready = condition_of(facts.node, "Ready")
    if ready is None or ready.get("status") == "True" or silent(facts):
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"node {facts.name} is not ready: {ready.get('message') or ready.get('reason')}",
        evidence=(_ready(facts),),
        fix=Fix("start what the kubelet misses: the container engine, or the network", "sampan doctor"),
    )


def pressed(facts: NodeFacts) -> Diagnosis | None:
    for kind, what in _PRESSURES.items():
        condition = condition_of(facts.node, kind)
        if condition and condition.get("status") == "True":
            return Diagnosis(
                cause=Cause.RESOURCES,
                headline=f"node {facts.name} is short of {what}: {condition.get('message', '')}",
                evidence=(seen("node", facts.node, f"status.conditions[{kind}]", "True"),),
                fix=Fix(f"free {what} on {facts.name}"),
            )
    return None


def cordoned(facts: NodeFacts) -> Diagnosis | None:
    if not get_path(facts.node, "spec.unschedulable"):
        return None
    return Diagnosis(
        cause=Cause.SCHEDULING,
        headline=f"node {facts.name} is cordoned: it takes no new pods",
        evidence=(seen("node", facts.node, "spec.unschedulable", "true"),),
        fix=Fix("let it take pods again", fixes.command("uncordon", "", facts.name)),
    )


RULES: tuple[Callable[[NodeFacts], Diagnosis | None], ...] = (silent, not_ready, pressed, cordoned)


def node(facts: NodeFacts) -> list[Diagnosis]:
    return ranked(rule(facts) for rule in RULES)
