"""VolumeZone: a volume whose labels name zones or regions is used there.

Source: pkg/scheduler/framework/plugins/volumezone/volume_zone.go of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import cast

from apimachinery import volumes
from apimachinery.objects import Object, get_path, labels_of
from apimachinery.well_known import REGION, ZONE
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.plugins.volume_binding import is_its_claim
from scheduler.pod_info import ClaimReference, PodInfo
from scheduler.volumes.storage import Storage

TOPOLOGY_LABELS = {
    "failure-domain.beta.kubernetes.io/zone": ZONE,
    "failure-domain.beta.kubernetes.io/region": REGION,
    ZONE: ZONE,
    REGION: REGION,
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
        self.hints: Hints = {
            **dict.fromkeys((EventKind.NODE_ADD, EventKind.NODE_LABEL, EventKind.VOLUME), always),
            EventKind.CLAIM: is_its_claim,
            EventKind.STORAGE_CLASS: _waits_for_pods,
        }

    def pre_filter(self, pod: PodInfo, cache: Cache) -> list[Topology] | Skip | Verdict:
        """What the volumes of claims that the pod names ask for; those of ephemeral ones are not asked."""
        found: list[Topology] = []
        for reference in pod.claims:
            topologies = [] if reference.is_ephemeral else self._topologies_behind(reference)
            if isinstance(topologies, str):
                return Verdict(self.name, (topologies,), is_final=True)
            found += topologies
        return found or SKIP

    def _topologies_behind(self, reference: ClaimReference) -> list[Topology] | str:
        """Or why they can't be known."""
        claim = self._storage.claims.get(reference.key)
        if claim is None:
            return f'persistentvolumeclaim "{reference.key.name}" not found'
        name = get_path(claim, "spec.volumeName")
        if not name:
            return self._why_unbound(claim) or []
        volume = self._storage.volume_of(claim)
        return f'persistentvolume "{name}" not found' if volume is None else topologies_of(volume)

    def _why_unbound(self, claim: Object) -> str:
        """What is wrong with a claim without a volume; "" if that waits for the pod."""
        class_name, storage_class = volumes.class_of(claim), self._storage.class_of(claim)
        if not class_name:
            return "PersistentVolumeClaim had no pv name and storageClass name"
        if storage_class is None:
            return f'storageclass.storage.k8s.io "{class_name}" not found'
        return "" if volumes.delays_binding(storage_class) else "PersistentVolume had no name"

    def replace_node(
        self, pod: PodInfo, state: list[Topology], old: NodeInfo, new: NodeInfo
    ) -> list[Topology]:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: list[Topology]) -> Verdict | None:
        """An old label of a volume is looked for on the node by its present name, too; not the reverse."""
        labels = node.labels
        if not labels.keys() & TOPOLOGY_LABELS.keys():  # a cluster without zones
            return None
        fits = all(labels.get(name, labels.get(TOPOLOGY_LABELS[name])) in values for name, values in state)
        return None if fits else self.ELSEWHERE


def topologies_of(volume: Object) -> list[Topology]:
    """A label with an empty zone in it is none."""
    labels = labels_of(volume)
    named = [(name, _zones(labels[name])) for name in TOPOLOGY_LABELS if name in labels]
    return [(name, zones) for name, zones in named if "" not in zones]


def _zones(text: str) -> frozenset[str]:
    return frozenset(zone.strip() for zone in text.split(SEPARATOR))


def _waits_for_pods(pod: PodInfo, subject: Subject) -> bool:
    return volumes.delays_binding(cast(Object, subject.obj))
