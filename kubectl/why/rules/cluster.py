"""What is wrong with the cluster itself: API server, store, leaders, nodes, the processes on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apimachinery.objects import Object
from kubeadm.inspection import Inspection, ProcessFacts
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Evidence, Fix, ranked
from kubectl.why.leases import lease_evidence, lease_trouble
from kubectl.why.rules.nodes import NodeFacts
from kubectl.why.rules.nodes import node as why_node

SLOW_STORE = 0.5
"""Seconds that reading the store's revision may take."""
MANY_CRASHES = 3
EXPIRES_SOON = timedelta(days=30)
LEADERS = {"kube-scheduler": "no pod gets a node", "kube-controller-manager": "nothing is made or cleaned up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    server: str
    now: datetime
    unreachable: str = ""
    """Why the API server gave no answer."""
    failed_checks: Sequence[str] = ()
    """Of /readyz."""
    store_seconds: float = 0.0
    leases: Mapping[str, Object | None] = field(default_factory=dict)
    nodes: Sequence[NodeFacts] = ()
    silent_proxies: Sequence[str] = ()
    """Nodes whose kube-proxy does not answer."""
    pods: int = 0
    unwell: Sequence[str] = ()
    """namespace/name of pods that are not well."""
    local: Inspection | None = None
    """If the cluster, or a part of it, runs on this machine."""


def unreachable(facts: ClusterFacts) -> Diagnosis | None:
    if not facts.unreachable:
        return None
    if facts.local and not facts.local.is_running:
        fix = Fix(f"{facts.local.launcher} runs nothing here: start the cluster", "sampan up")
    else:
        fix = Fix(
            "see whether it runs, and whether the address in the kubeconfig is still right", "sampan status"
        )
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"the API server at {facts.server} does not answer: {facts.unreachable}",
        evidence=(Evidence("apiserver", "GET /readyz", facts.unreachable),),
        fix=fix,
        confidence=Confidence.LIKELY if _processes(facts) else Confidence.CERTAIN,
    )


def not_ready(facts: ClusterFacts) -> Diagnosis | None:
    if not facts.failed_checks:
        return None
    what = (
        "the API server cannot reach etcd" if "etcd" in facts.failed_checks else "the API server is not ready"
    )
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"{what}: failed checks are {', '.join(facts.failed_checks)}",
        evidence=(Evidence("apiserver", "GET /readyz?verbose", f"[-]{', [-]'.join(facts.failed_checks)}"),),
        fix=Fix("start etcd again, or wait until the API server has started", "sampan status"),
    )


def slow_store(facts: ClusterFacts) -> Diagnosis | None:
    if facts.store_seconds < SLOW_STORE:
        return None
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"etcd is slow: it takes {facts.store_seconds:.1f} s to tell its revision",
        evidence=(Evidence("apiserver", "GET /readyz/etcd", f"answered after {facts.store_seconds:.2f} s"),),
        fix=Fix(
            "give etcd a disk of its own that syncs within 10 ms; see whether it is full", "sampan doctor"
        ),
    )


def leaderless(facts: ClusterFacts) -> Diagnosis | None:
    for name, consequence in LEADERS.items():
        trouble = lease_trouble(facts.leases.get(name), facts.now) if name in facts.leases else ""
        if trouble:
            return Diagnosis(
                cause=Cause.CONTROL_PLANE,
                headline=f"{name} {trouble}: {consequence}",
                evidence=(lease_evidence(name, facts.leases.get(name)),),
                fix=Fix(f"start {name} again", "sampan status"),
                confidence=Confidence.LIKELY if _processes(facts) else Confidence.CERTAIN,
            )
    return None


def _processes(facts: ClusterFacts) -> list[Diagnosis]:
    """What is wrong with single processes explains what is wrong with the whole."""
    return list(processes(facts))


def processes(facts: ClusterFacts) -> Iterator[Diagnosis]:
    for each in facts.local.processes if facts.local and facts.local.is_running else ():
        what = _trouble_of(each)
        if what:
            yield Diagnosis(
                cause=Cause.CONTROL_PLANE,
                headline=f"{each.name} {what[0]}",
                evidence=(Evidence(f"process/{each.name}", "log", each.last_words or f"see {each.log}"),),
                fix=what[1],
            )


def _trouble_of(process: ProcessFacts) -> tuple[str, Fix] | None:
    read = process.log if process.log.startswith("journalctl") else f"tail {process.log}"
    if process.is_stopped:
        return f"(process {process.pid}) was stopped by a signal and does nothing", Fix(
            "let it go on", f"kill -CONT {process.pid}"
        )
    if process.crashes >= MANY_CRASHES:
        said = f": {process.last_words}" if process.last_words else ""
        return f"crashes again and again, {process.crashes} times in two minutes{said}", Fix(
            "read its log", read
        )
    return ("is down", Fix("read its log", read)) if not process.pid else None


def silent_proxies(facts: ClusterFacts) -> Diagnosis | None:
    if not facts.silent_proxies:
        return None
    names = ", ".join(facts.silent_proxies)
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"kube-proxy does not answer on {names}: rules of Services stay there as they were",
        evidence=(Evidence("kube-proxy", "GET /debug/services", f"no answer from {names}"),),
        fix=Fix(f"start kube-proxy again on {names}", "sampan status"),
        confidence=Confidence.LIKELY if _processes(facts) else Confidence.CERTAIN,
    )


def certificates(facts: ClusterFacts) -> Diagnosis | None:
    """The one that ends first, if that is soon."""
    first = min(facts.local.certificates if facts.local else (), key=lambda each: each.end, default=None)
    if first is None or first.end - facts.now > EXPIRES_SOON:
        return None
    days = (first.end - facts.now).days
    when = f"ends in {days} days" if days >= 0 else f"ended {-days} days ago"
    return Diagnosis(
        cause=Cause.CONTROL_PLANE,
        headline=f"certificate {first.path} {when}",
        evidence=(Evidence(first.path, "notAfter", first.end.isoformat()),),
        fix=Fix("make new ones and start the daemons with them", "sampan up"),
    )


RULES: tuple[Callable[[ClusterFacts], Diagnosis | None], ...] = (
    unreachable, not_ready, slow_store, leaderless, silent_proxies, certificates,
)  # fmt: skip


def cluster(facts: ClusterFacts) -> list[Diagnosis]:
    nodes = [each for node in facts.nodes for each in why_node(node)]
    return ranked([*processes(facts), *(rule(facts) for rule in RULES), *nodes])


def summary(facts: ClusterFacts) -> str:
    count = len(facts.nodes)
    text = f"{count} {'node' if count == 1 else 'nodes'} ready, {facts.pods} pods"
    if facts.unwell:
        shown = ", ".join(facts.unwell[:5]) + (" ..." if len(facts.unwell) > 5 else "")
        text += f", of which {len(facts.unwell)} are not well: {shown}"
    return text
