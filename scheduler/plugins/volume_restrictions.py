"""VolumeRestrictions: a claim for one pod is used by one pod, and a disk on a node by who may share it.

Source: pkg/scheduler/framework/plugins/volumerestrictions/volume_restrictions.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import NamespacedName, Object
from apimachinery.volumes import access_modes_of
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.plugins.volume_binding import is_its_claim
from scheduler.pod_info import PodInfo
from scheduler.volumes.disks import clash
from scheduler.volumes.storage import Storage

Users = dict[NamespacedName, frozenset[str]]
"""The pods that have a node and one of the claims in question."""


class VolumeRestrictions:
    name = "VolumeRestrictions"
    is_static = False
    TAKEN = Verdict(
        name,
        (
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
            "already in-use by another pod",
        ),
    )
    NO_DISK = Verdict(name, ("node(s) had no available disk",))

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.hints: Hints = {
            EventKind.NODE_ADD: always,
            EventKind.POD_DELETE: _shares_something,
            EventKind.CLAIM: is_its_claim,
        }

    def pre_filter(self, pod: PodInfo, cache: Cache) -> Users | Skip | Verdict:
        """Claims that a pod names have to be there, for what they say; ephemeral ones come later."""
        claims = {each: self._storage.claims.get(each.key) for each in pod.claims}
        for each, claim in claims.items():
            if claim is None and not each.is_ephemeral:
                reason = f'persistentvolumeclaim "{each.key.name}" not found'
                return Verdict(self.name, (reason,), is_final=True)
        exclusive = [each.key for each, claim in claims.items() if claim is not None and _is_exclusive(claim)]
        users = {key: frozenset(cache.claim_users.get(key, ())) for key in exclusive}
        return users if pod.disks or any(users.values()) else SKIP

    def replace_node(self, pod: PodInfo, state: Users, old: NodeInfo, new: NodeInfo) -> Users:
        gone = old.pods.keys() - new.pods.keys()
        come = [new.pods[uid] for uid in new.pods.keys() - old.pods.keys()]
        return {key: (users - gone).union(_users_of(key, come)) for key, users in state.items()}

    def filter(self, pod: PodInfo, node: NodeInfo, state: Users) -> Verdict | None:
        """A claim is taken wherever the other pod is, a disk on its own node."""
        others = [disk for other in node.pods.values() for disk in other.disks] if pod.disks else []
        if any(clash(own, other) for own in pod.disks for other in others):
            return self.NO_DISK
        return self.TAKEN if any(state.values()) else None


def _is_exclusive(claim: Object) -> bool:
    return "ReadWriteOncePod" in access_modes_of(claim)


def _users_of(claim: NamespacedName, pods: Iterable[PodInfo]) -> Iterable[str]:
    return (pod.uid for pod in pods if any(each.key == claim for each in pod.claims))


def _shares_something(pod: PodInfo, subject: Subject) -> bool:
    gone = subject.old
    if gone is None:
        return False
    shared = {*gone.claims} & {*pod.claims}
    return bool(shared) or any(clash(own, other) for own in pod.disks for other in gone.disks)
