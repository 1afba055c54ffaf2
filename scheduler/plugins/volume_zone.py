"""VolumeZone: a volume whose labels name zones or regions is used there.

Source: pkg/scheduler/framework/plugins/volumezone/volume_zone.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object, labels_of
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.volumes.storage import Storage

TOPOLOGY_LABELS = {
    "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region": "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
}
"""Each with its present name."""
SEPARATOR = "__"
"""Between the zones of one volume, in a label that may not contain commas."""

Topology = tuple[str, frozenset[str]]
"""A label and the values it may have."""


class VolumeZone:
    name = "VolumeZone"
    is_static = False
    ELSEWHERE = Verdict(name, ("node(s) had no available volume zone",), is_final=True)

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.hints: Hints = dict.fromkeys(
            (EventKind.NODE_ADD, EventKind.NODE_LABEL, EventKind.CLAIM, EventKind.VOLUME), always
        )

    def pre_filter(self, pod: PodInfo, cache: Cache) -> list[Topology] | Skip:
        claims = (self._storage.claims.get(each.key) for each in pod.claims)
        bound = (self._storage.volume_of(claim) for claim in claims if claim is not None)
        return [each for volume in bound if volume is not None for each in topologies_of(volume)] or SKIP

    def replace_node(
        self, pod: PodInfo, state: list[Topology], old: NodeInfo, new: NodeInfo
    ) -> list[Topology]:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: list[Topology]) -> Verdict | None:
        labels = _present(node.labels)
        if not labels:  # a cluster without zones
            return None
        return None if all(labels.get(name) in values for name, values in state) else self.ELSEWHERE


def topologies_of(volume: Object) -> list[Topology]:
    return [(name, frozenset(text.split(SEPARATOR))) for name, text in _present(labels_of(volume)).items()]


def _present(labels: Mapping[str, str]) -> dict[str, str]:
    """The topology labels under their present names; where both are there, the present one counts."""
    found = {new: labels[old] for old, new in TOPOLOGY_LABELS.items() if old != new and old in labels}
    return found | {name: labels[name] for name in TOPOLOGY_LABELS.values() if name in labels}
