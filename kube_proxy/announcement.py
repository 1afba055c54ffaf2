"""Which addresses of load balancers this machine answers for: pure, from Services, endpoints and nodes.

One node answers for an address, so that its neighbours know where to send. Every node finds out by itself
which one, and all find the same; when a node comes or goes, only its own addresses move.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, labels_of
from kube_proxy.node import is_eligible

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"


@dataclass(frozen=True, slots=True)
class Balancer:
    """An address, and the nodes that have endpoints if its traffic has to stay where it arrives."""

    ip: str
    nodes: frozenset[str] = frozenset()


def may_announce(node: Object | None) -> bool:
    """Whether a node is fit to take traffic from outside."""
    return (
        node is not None
        and is_eligible(node)
        and EXCLUDE_LABEL not in labels_of(node)
        and is_condition_true(node, "Ready")
    )


def announced_here(
    balancers: Iterable[Balancer], candidates: Collection[str], here: AbstractSet[str]
) -> frozenset[str]:
    return frozenset(each.ip for each in balancers if announcer_of(each, candidates) in here)


def announcer_of(balancer: Balancer, candidates: Collection[str]) -> str | None:
    """The candidate with the highest hash; one without endpoints only where no candidate has any."""
    able = [node for node in candidates if node in balancer.nodes] or candidates
    return max(able, key=lambda node: sha256(f"{balancer.ip} {node}".encode()).digest(), default=None)
