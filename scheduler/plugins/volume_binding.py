"""VolumeBinding: a pod goes where its claims' volumes are, or can be had.

Source: pkg/scheduler/framework/plugins/volumebinding/volume_binding.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery import volumes
from apimachinery.objects import Object, key_of
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, EventKind, Hints, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo
from scheduler.volumes.binder import Reservation, VolumeBinder
from scheduler.volumes.finder import PodClaims, PodVolumes, claims_of, find_volumes


class VolumeBinding:
    name = "VolumeBinding"
    is_static = False

    def __init__(self, binder: VolumeBinder, bind_seconds: float) -> None:
        """`bind_seconds`: how long a pod waits for its volumes; then it is scheduled anew."""
        self._binder = binder
        self._bind_seconds = bind_seconds
        self._storage = binder.storage
        self.hints: Hints = {
            **dict.fromkeys((EventKind.NODE_ADD, EventKind.NODE_LABEL, EventKind.STORAGE_CLASS), always),
            **dict.fromkeys((EventKind.CSI_DRIVER, EventKind.CSI_CAPACITY), always),
            EventKind.CLAIM: is_its_claim,
            EventKind.VOLUME: self._may_serve,
        }

    def pre_filter(self, pod: PodInfo, cache: Cache) -> PodClaims | Skip | Verdict:
        if not pod.claims:
            return SKIP
        claims = claims_of(pod, self._storage)
        if isinstance(claims, str):
            return self._reject(claims)
        if claims.immediate:
            return self._reject("pod has unbound immediate PersistentVolumeClaims")
        return claims

    def _reject(self, *reasons: str) -> Verdict:
        """No pod that is preempted would make room for a volume."""
        return Verdict(self.name, reasons, is_final=True)

    def replace_node(self, pod: PodInfo, state: PodClaims, old: NodeInfo, new: NodeInfo) -> PodClaims:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: PodClaims) -> Verdict | None:
        found = find_volumes(state, node, self._storage)
        return None if isinstance(found, PodVolumes) else self._reject(*found)

    def reserve(self, pod: PodInfo, node: NodeInfo, state: PodClaims) -> Reservation | None:
        found = find_volumes(state, node, self._storage)
        assert isinstance(found, PodVolumes), "the filter has just found them"
        return self._binder.reserve(node.name, found)

    def unreserve(self, pod: PodInfo, reserved: Reservation) -> None:
        self._binder.unreserve(reserved)

    async def pre_bind(self, pod: PodInfo, reserved: Reservation) -> None:
        await self._binder.bind(pod, reserved, self._bind_seconds)

    def _may_serve(self, pod: PodInfo, subject: Subject) -> bool:
        """Whether a volume is bound to a claim of the pod, or of the class of one."""
        volume: Object = subject.obj or {}
        if volumes.claim_key(volume) is not None:
            return volumes.claim_key(volume) in {each.key for each in pod.claims}
        claims = (self._storage.claims.get(each.key) for each in pod.claims)
        return volumes.class_of(volume) in {volumes.class_of(claim) for claim in claims if claim is not None}


def is_its_claim(pod: PodInfo, subject: Subject) -> bool:
    """The hint of who waits for a claim of the pod."""
    return subject.obj is not None and key_of(subject.obj) in {each.key for each in pod.claims}
