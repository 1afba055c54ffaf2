"""The way of a name: from a pod's resolv.conf over the Service and its rules to the server and its answer.

Each hop is judged, and the first that is broken is the one to mend.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apimachinery.objects import Object, get_path
from kubeadm.findings import Finding, Level, error, ok, unknown, warning

SERVICE, NAMESPACE = "kube-dns", "kube-system"


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsFacts:
    """What is None could not be asked."""

    service: Object | None
    """Empty: there is none."""
    pods_ask: Sequence[str] | None = None
    """The nameservers that kubelets write into pods' resolv.conf."""
    endpoints: Sequence[tuple[str, int]] = ()
    """Those that are ready."""
    programmed: Mapping[str, bool] = field(default_factory=dict)
    """Whether the node's proxy has rules for the Service's present endpoints."""
    question: str = "kubernetes.default.svc.cluster.local"
    expected: str = ""
    """The address that the name must have."""
    answers: Mapping[tuple[str, int], str] | None = None
    """By server: the address that it gave, or why it gave none."""

    @property
    def address(self) -> str:
        return get_path(self.service or {}, "spec.clusterIP") or ""


def service(facts: DnsFacts) -> Finding:
    if facts.service is None:
        return unknown("service", f"Service {NAMESPACE}/{SERVICE} can't be read")
    if not facts.service:
        return warning(
            "service",
            f"there is no Service {NAMESPACE}/{SERVICE}: names of Services do not resolve in pods",
            "start the cluster's DNS",
            "sampan up",
        )
    return ok("service", f"Service {NAMESPACE}/{SERVICE} has {facts.address}")


def resolv_conf(facts: DnsFacts) -> Finding:
    if facts.pods_ask is None:
        return unknown("resolv.conf", "no kubelet tells which nameserver it gives to pods")
    if facts.address not in facts.pods_ask:
        return error(
            "resolv.conf",
            f"pods ask {', '.join(facts.pods_ask) or 'nobody'}, but the Service's address is {facts.address}",
            f"set clusterDNS of the kubelets to {facts.address}",
        )
    return ok("resolv.conf", f"pods ask {facts.address}")


def endpoints(facts: DnsFacts) -> Finding:
    if not facts.endpoints:
        return error(
            "endpoints",
            f"Service {SERVICE} has no endpoint that is ready",
            "start the DNS server again",
            "sampan up",
        )
    return ok("endpoints", f"it leads to {', '.join(_at(each) for each in facts.endpoints)}")


def rules(facts: DnsFacts) -> Finding:
    if not facts.programmed:
        return unknown("rules", "no kube-proxy tells whether the rules are programmed")
    behind = [node for node, done in facts.programmed.items() if not done]
    if behind:
        return error(
            "rules",
            f"kube-proxy on {', '.join(behind)} has not programmed the way to {facts.address}",
            "see what it is doing",
            f"sampan why service/{SERVICE} -n {NAMESPACE}",
        )
    return ok("rules", f"the way there is programmed on {len(facts.programmed)} node(s)")


def server(facts: DnsFacts) -> Finding:
    """Each server is asked itself, past all rules."""
    return _asked(facts, "server", facts.endpoints, "see its log; start it again", "sampan why")


def through_the_service(facts: DnsFacts) -> Finding:
    fix = "see which rule or firewall drops UDP to port 53"
    return _asked(facts, "answer", [(facts.address, 53)], fix, f"sampan why service/{SERVICE} -n {NAMESPACE}")


def _asked(
    facts: DnsFacts, check: str, servers: Sequence[tuple[str, int]], fix: str, command: str
) -> Finding:
    if facts.answers is None:
        return unknown(check, "can only be asked from a node of the cluster")
    for each in servers:
        answer = facts.answers.get(each, "not asked")
        if answer != facts.expected:
            return error(check, f"{_at(each)} says of {facts.question}: {answer}", fix, command)
    names = ", ".join(map(_at, servers))
    return ok(check, f"{names} says of {facts.question}: {facts.expected}")


def _at(server: tuple[str, int]) -> str:
    return f"{server[0]}:{server[1]}"


HOPS: tuple[Callable[[DnsFacts], Finding], ...] = (
    service, resolv_conf, endpoints, rules, server, through_the_service,
)  # fmt: skip


def walk(facts: DnsFacts) -> list[Finding]:
    """Hop by hop; what lies behind a broken one is not worth a word."""
    found: list[Finding] = []
    for hop in HOPS:
        found.append(hop(facts))
        if found[-1].level in (Level.ERROR, Level.WARNING):
            break
    return found
