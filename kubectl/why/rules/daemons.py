"""A daemon that should act on the pod does not: no scheduler leads, the node's kubelet is silent."""

from __future__ import annotations

from datetime import datetime

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, get_path
from kubectl.why.diagnosis import Cause, Diagnosis, Evidence, Fix, seen
from kubectl.why.facts import PodFacts, seconds_since
from kubectl.why.records import node_name

DEFAULT_SCHEDULER = "default-scheduler"
DEFAULT_LEASE_SECONDS = 15


def lease_trouble(lease: Object | None, now: datetime) -> str:
    """What is wrong with a leader's or node's Lease; empty if it is being renewed."""
    if lease is None:
        return "has no lease"
    if not get_path(lease, "spec.holderIdentity"):
        return "has a lease that nobody holds"
    seconds = seconds_since(get_path(lease, "spec.renewTime"), now)
    if seconds is None:
        return "has a lease that was never renewed"
    limit = get_path(lease, "spec.leaseDurationSeconds") or DEFAULT_LEASE_SECONDS
    return f"has not renewed its lease for {seconds:.0f} s" if seconds > limit else ""


def lease_evidence(name: str, lease: Object | None) -> Evidence:
    if lease is None:
        return Evidence(f"lease/{name}", "metadata.name", "not found")
    holder = get_path(lease, "spec.holderIdentity") or "nobody"
    return seen("lease", lease, "spec", f"renewed at {get_path(lease, 'spec.renewTime')} by {holder}")


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
    """The pod has a node that does not answer."""
    name = node_name(facts)
    if not name:
        return None
    if facts.node is None:
        return Diagnosis(
            cause=Cause.CONTROL_PLANE,
            headline=f"the pod is bound to node {name}, which does not exist",
            evidence=(seen("pod", facts.pod, "spec.nodeName", name),),
            fix=Fix("leave spec.nodeName to the scheduler, or add the node"),
        )
    trouble = lease_trouble(facts.node_lease, facts.now)
    ready = condition_of(facts.node, "Ready") or {}
    if not trouble and ready.get("status") != "Unknown":
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"the kubelet of node {name} is silent: it {trouble or 'is said to be unknown'}",
        evidence=(
            lease_evidence(name, facts.node_lease),
            seen(
                "node",
                facts.node,
                "status.conditions[Ready]",
                f"{ready.get('status')}: {ready.get('reason')}",
            ),
        ),
        fix=Fix("start the kubelet again; see what its log says", f"sampan why node/{name}"),
    )
