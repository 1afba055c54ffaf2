"""A daemon that should act on the pod does not: no scheduler leads, the node's kubelet is silent."""

from __future__ import annotations

from dataclasses import replace

from apimachinery.conditions import condition_of
from kubectl.evidence.asker import ABSENT
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.leases import lease_evidence, lease_trouble
from kubectl.why.records import node_name
from kubectl.why.rules.nodes import NodeFacts, silent

DEFAULT_SCHEDULER = "default-scheduler"


def scheduler(facts: PodFacts) -> Diagnosis | None:
    """Nobody even tries to place the pod."""
    scheduling = facts.scheduling
    if scheduling is None or condition_of(facts.pod, "PodScheduled") is not None:
        return None
    name = facts.pod["spec"].get("schedulerName") or DEFAULT_SCHEDULER
    if name != DEFAULT_SCHEDULER:
        return Diagnosis(
            cause=Cause.CONTROL_PLANE,
            headline=f'the pod waits for a scheduler called "{name}", which has not looked at it',
            evidence=(seen("pod", facts.pod, "spec.schedulerName", name),),
            fix=Fix(f'run that scheduler, or leave schedulerName out for "{DEFAULT_SCHEDULER}"'),
        )
    trouble = lease_trouble(scheduling.lease, facts.now)
    if not trouble:
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"no scheduler is at work: kube-scheduler {trouble}",
        evidence=(
            lease_evidence("kube-scheduler", scheduling.lease),
            seen("pod", facts.pod, "spec.nodeName", "not set"),
        ),
        fix=Fix("start kube-scheduler again; on its machine", "sampan why"),
    )


def kubelet(facts: PodFacts) -> Diagnosis | None:
    """The pod has a node that is not there, or does not answer."""
    name = node_name(facts)
    if not name or facts.node is None:
        return None
    if facts.node == ABSENT:
        return Diagnosis(
            cause=Cause.CONTROL_PLANE,
            headline=f"the pod is bound to node {name}, which does not exist",
            evidence=(seen("pod", facts.pod, "spec.nodeName", name),),
            fix=Fix("leave spec.nodeName to the scheduler, or add the node"),
        )
    found = silent(NodeFacts(facts.node, facts.node_lease, facts.now))
    fix = Fix("start the kubelet again; see what its log says", f"sampan why node/{name}")
    return replace(found, fix=fix) if found else None
