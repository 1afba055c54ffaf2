"""NodeInfo: a node with the pods on it and what they use together.

NodeFacts is what the Node object says, parsed once; a NodeInfo is changed by the cache alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apimachinery.objects import Object, get_path, labels_of, name_of
from scheduler.pod_info import HostPort, PodInfo
from scheduler.resources import CPU, MEMORY, PODS, Amounts, amounts

ANY_ADDRESS = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What matters of a Node object. Equal facts mean that nothing has to be looked at again."""

    name: str
    labels: Mapping[str, str]
    taints: tuple[Object, ...]
    is_unschedulable: bool
    allocatable: Amounts
    images: Mapping[str, int]  # normalized name -> bytes


def parse_node(node: Object) -> NodeFacts:
    spec = node.get("spec") or {}
    return NodeFacts(
        name=name_of(node),
        labels=labels_of(node),
        taints=tuple(spec.get("taints") or ()),
        is_unschedulable=bool(spec.get("unschedulable")),
        allocatable=amounts(get_path(node, "status.allocatable")),
        images={
            name: image.get("sizeBytes") or 0
            for image in get_path(node, "status.images", [])
            for name in image.get("names") or ()
        },
    )


class NodeInfo:
    """One node. `facts` is None while pods are known on it but the Node object is not."""

    __slots__ = ("assumed_requested", "facts", "name", "pods", "ports", "requested", "row")

    def __init__(self, name: str, facts: NodeFacts | None = None) -> None:
        self.name = name
        self.facts = facts
        self.row = -1
        self.pods: dict[str, PodInfo] = {}
        self.requested: Amounts = {}
        self.assumed_requested: Amounts = {CPU: 0, MEMORY: 0}
        self.ports: Counter[HostPort] = Counter()

    @property
    def labels(self) -> Mapping[str, str]:
        return self.facts.labels if self.facts else {}

    @property
    def allocatable(self) -> Amounts:
        return self.facts.allocatable if self.facts else {}

    @property
    def allowed_pods(self) -> int:
        return self.allocatable.get(PODS, 0)

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.uid] = pod
        self._account(pod, 1)

    def remove(self, pod: PodInfo) -> None:
        known = self.pods.pop(pod.uid, None)
        if known is not None:
            self._account(known, -1)

    def _account(self, pod: PodInfo, sign: int) -> None:
        requested, assumed = self.requested, self.assumed_requested
        for name, value in pod.spec.requests.items():
            requested[name] = requested.get(name, 0) + sign * value
        wanted = pod.spec.assumed_requests
        assumed[CPU] += sign * wanted.get(CPU, 0)
        assumed[MEMORY] += sign * wanted.get(MEMORY, 0)
        for port in pod.spec.host_ports:
            self.ports[port] += sign

    def changed(self, *, without: Iterable[PodInfo] = (), with_: Iterable[PodInfo] = ()) -> NodeInfo:
        """A copy as the node would be without some pods and with others: for questions of what if."""
        copy = NodeInfo(self.name, self.facts)
        copy.row = self.row
        copy.pods = dict(self.pods)
        copy.requested = dict(self.requested)
        copy.assumed_requested = dict(self.assumed_requested)
        copy.ports = self.ports.copy()
        for pod in without:
            copy.remove(pod)
        for pod in with_:
            copy.add(pod)
        return copy

    def is_port_taken(self, wanted: HostPort) -> bool:
        """Whether a host port clashes: the same protocol and number on the same, or on any, address."""
        ip, protocol, number = wanted
        if ip == ANY_ADDRESS:
            return any(
                count > 0 and port[1] == protocol and port[2] == number for port, count in self.ports.items()
            )
        return self.ports[wanted] > 0 or self.ports[(ANY_ADDRESS, protocol, number)] > 0
