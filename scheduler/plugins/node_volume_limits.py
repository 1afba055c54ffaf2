"""NodeVolumeLimits: no node gets more volumes of a CSI driver than the driver says it can attach.

Source: pkg/scheduler/framework/plugins/nodevolumelimits/csi.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from apimachinery.objects import NamespacedName, Object, get_path
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.plugins.volume_binding import is_its_claim
from scheduler.pod_info import PodInfo
from scheduler.volumes.storage import ATTACHMENTS_BY_NODE, Storage

AttachedVolume = tuple[str, str]
"""A driver, and what tells its volume from its others."""


class NodeVolumeLimits:
    name = "NodeVolumeLimits"
    is_static = False
    FULL = Verdict(name, ("node(s) exceed max volume count",))

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.hints: Hints = {
            **dict.fromkeys((EventKind.NODE_ADD, EventKind.CSI_NODE, EventKind.DETACHED), always),
            EventKind.CLAIM: is_its_claim,
            EventKind.POD_DELETE: _has_claims,
        }

    def pre_filter(self, pod: PodInfo, cache: Cache) -> set[AttachedVolume] | Skip:
        return set(self._volumes_of(pod)) or SKIP

    def replace_node(
        self, pod: PodInfo, state: set[AttachedVolume], old: NodeInfo, new: NodeInfo
    ) -> set[AttachedVolume]:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: set[AttachedVolume]) -> Verdict | None:
        limits = self._limits_of(node.name)
        if not limits.keys() & {driver for driver, _ in state}:
            return None
        attached = {each for other in node.pods.values() for each in self._volumes_of(other)}
        attached.update(self._attached_to(node.name))
        counts = Counter(driver for driver, _ in attached | state)
        new = {driver for driver, _ in state - attached}
        return (
            self.FULL if any(counts[driver] > limits.get(driver, counts[driver]) for driver in new) else None
        )

    def _limits_of(self, node: str) -> dict[str, int]:
        csi_node = self._storage.csi_nodes.get(NamespacedName("", node))
        drivers = get_path(csi_node, "spec.drivers", [])
        counts = {each["name"]: get_path(each, "allocatable.count") for each in drivers}
        return {name: count for name, count in counts.items() if count is not None}

    def _attached_to(self, node: str) -> Iterator[AttachedVolume]:
        """What is not detached yet takes its place, whoever used it."""
        for attachment in self._storage.attachments.by_index(ATTACHMENTS_BY_NODE, node):
            name = get_path(attachment, "spec.source.persistentVolumeName")
            volume = self._storage.volumes.get(NamespacedName("", name)) if name else None
            csi = get_path(volume, "spec.csi")
            if csi is not None:
                yield attachment["spec"]["attacher"], csi["volumeHandle"]

    def _volumes_of(self, pod: PodInfo) -> Iterator[AttachedVolume]:
        for reference in pod.claims:
            claim = self._storage.claims.get(reference.key)
            if claim is not None and (found := self._volume_of(reference.key, claim)) is not None:
                yield found

    def _volume_of(self, key: NamespacedName, claim: Object) -> AttachedVolume | None:
        """Of a claim without a volume, the one that will be made for it."""
        volume = self._storage.volume_of(claim)
        if volume is None:
            storage_class = self._storage.class_of(claim)
            return (storage_class["provisioner"], str(key)) if storage_class is not None else None
        driver = get_path(volume, "spec.csi.driver")
        return None if driver is None else (driver, volume["spec"]["csi"]["volumeHandle"])


def _has_claims(pod: PodInfo, subject: Subject) -> bool:
    return subject.old is not None and bool(subject.old.claims)
