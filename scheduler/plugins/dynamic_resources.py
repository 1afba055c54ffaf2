"""DynamicResources: a pod goes where the devices that it claims are, or can be had.

Source: pkg/scheduler/framework/plugins/dynamicresources/dynamicresources.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from apimachinery.node_selector import parse_terms
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, key_of
from apimachinery.resource_claims import (
    NOT_NEEDED,
    claim_name,
    claims_of_pod,
    is_allocated,
    is_from_template,
    is_full,
    is_idle,
    is_reserved_for,
    references_of,
    why_not_for_pod,
)
from scheduler.cache import Cache
from scheduler.devices.allocation import allocate
from scheduler.devices.claims import DeviceClaims
from scheduler.devices.pools import DeviceId, gather_pools
from scheduler.devices.selectors import AllocationError
from scheduler.framework.fit_error import FitError
from scheduler.framework.interface import SKIP, EventKind, Hints, PostFiltered, Skip, Subject, Verdict, always
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo


@dataclass(frozen=True, slots=True)
class PodClaims:
    """The claims of a pod by how far they are, and what others have."""

    allocated: tuple[Object, ...]
    waiting: tuple[Object, ...]
    in_use: frozenset[DeviceId]
    node: Callable[[str], NodeInfo | None]


@dataclass(frozen=True, slots=True)
class Reservation:
    """Claims to be written, each with its allocation if that is new."""

    claims: tuple[tuple[Object, Object | None], ...]


class DynamicResources:
    name = "DynamicResources"
    is_static = False
    ELSEWHERE = Verdict(name, ("resourceclaim not available on the node",), is_final=True)

    def __init__(self, devices: DeviceClaims) -> None:
        self._devices = devices
        self.hints: Hints = {
            **dict.fromkeys((EventKind.NODE_ADD, EventKind.NODE_LABEL), always),
            **dict.fromkeys((EventKind.RESOURCE_SLICE, EventKind.DEVICE_CLASS), always),
            EventKind.RESOURCE_CLAIM: may_help,
        }

    def pre_enqueue(self, pod: PodInfo) -> Verdict | None:
        """There is no use in trying a pod whose claims are not there yet."""
        missing = (each for each in self._claims_of(pod.pod) if isinstance(each, str))
        return next((self._reject(why) for why in missing), None)

    def pre_filter(self, pod: PodInfo, cache: Cache) -> PodClaims | Skip | Verdict:
        if not references_of(pod.pod):
            return SKIP
        claims: list[Object] = []
        for found in self._claims_of(pod.pod):
            if isinstance(found, str):
                return self._reject(found)
            claims.append(found)
        waiting = tuple(claim for claim in claims if not is_allocated(claim))
        for claim in waiting:
            if why := self._why_not_yet(claim):
                return self._reject(why)
        allocated = tuple(claim for claim in claims if is_allocated(claim))
        if any(is_full(claim) and not is_reserved_for(claim, pod.uid) for claim in allocated):
            return self._reject("resourceclaim in use")
        in_use = self._devices.in_use() if waiting else frozenset()
        return PodClaims(allocated, waiting, in_use, cache.node)

    def _claims_of(self, pod: Object) -> Iterator[Object | str]:
        """Each claim, or why the pod has to wait."""
        for reference in references_of(pod):
            name = claim_name(pod, reference)
            if name == NOT_NEEDED:
                continue
            if name is None:
                yield f'pod "{key_of(pod)}": ResourceClaim not created yet'
                return
            key = NamespacedName(pod["metadata"]["namespace"], name)
            claim = self._devices.claims.get(key)
            if claim is None:
                yield f'could not find claim "{key}"'
            elif is_terminating(claim):
                yield f'resourceclaim "{name}" is being deleted'
            else:
                yield (why_not_for_pod(pod, claim) if is_from_template(reference) else "") or claim

    def _why_not_yet(self, claim: Object) -> str:
        """Why nothing can be allocated to a claim, whatever the node."""
        if self._devices.is_pending(claim):
            return f"resource claim {key_of(claim)} is in the process of being allocated"
        for request in get_path(claim, "spec.devices.requests", []):
            asks = [(request["name"], request.get("exactly"))]
            asks += [(f"{request['name']}/{it['name']}", it) for it in request.get("firstAvailable") or ()]
            for name, ask in asks:
                if ask is not None and self._class(ask["deviceClassName"]) is None:
                    return f"request {name}: device class {ask['deviceClassName']} does not exist"
        return ""

    def _class(self, name: str) -> Object | None:
        return self._devices.classes.get(NamespacedName("", name))

    def _reject(self, reason: str) -> Verdict:
        """No pod that is preempted would make a device free: its claim keeps it."""
        return Verdict(self.name, (reason,), is_final=True)

    def replace_node(self, pod: PodInfo, state: PodClaims, old: NodeInfo, new: NodeInfo) -> PodClaims:
        return state

    def filter(self, pod: PodInfo, node: NodeInfo, state: PodClaims) -> Verdict | None:
        try:
            found = self._allocate(state, node)
        except AllocationError as error:
            return self._reject(str(error))
        if found is None:
            return self._reject("cannot allocate all claims")
        available = all(_is_available(claim, node) for claim in state.allocated)
        return None if available else self.ELSEWHERE

    def post_filter(self, pod: PodInfo, error: FitError, state: PodClaims | Skip | None) -> PostFiltered:
        """A claim whose devices are out of reach, and that nobody else uses, may be given others."""
        if isinstance(state, Skip) or (error.everywhere is not None and error.everywhere.plugin == self.name):
            return PostFiltered("no new claims to deallocate")
        if state is None:  # another plugin rejected the pod before; upstream misses its own state then
            return PostFiltered("not found", is_final=True)
        refused = [name for name, verdict in error.verdicts.items() if verdict == self.ELSEWHERE]
        nodes = [node for node in map(state.node, refused) if node is not None]
        for claim in state.allocated:
            if is_idle(claim, pod.uid) and not all(_is_available(claim, node) for node in nodes):
                remedy = partial(self._devices.deallocate, claim)
                return PostFiltered("deallocation of ResourceClaim completed", remedy)
        return PostFiltered("still not schedulable")

    def _allocate(self, state: PodClaims, node: NodeInfo) -> list[Object] | None:
        """Raises AllocationError."""
        if not state.waiting:
            return []
        pools = gather_pools(self._devices.slices.list(), node.name, node.labels)
        return allocate(state.waiting, self._class, pools, state.in_use, node.name)

    def reserve(self, pod: PodInfo, node: NodeInfo, state: PodClaims) -> Reservation | None:
        found = self._allocate(state, node)
        assert found is not None, "the filter has just found them"
        new = list(zip(state.waiting, found, strict=True))
        for claim, allocation in new:
            self._devices.reserve(claim, allocation)
        old = [(claim, None) for claim in state.allocated if not is_reserved_for(claim, pod.uid)]
        return Reservation((*new, *old)) if new or old else None

    def unreserve(self, pod: PodInfo, reserved: Reservation) -> None:
        for claim, allocation in reserved.claims:
            if allocation is not None:
                self._devices.unreserve(claim)

    async def pre_bind(self, pod: PodInfo, reserved: Reservation) -> None:
        for claim, allocation in reserved.claims:
            await self._devices.bind(claim, allocation, pod.pod)


def may_help(pod: PodInfo, subject: Subject) -> bool:
    """A claim of the pod itself, or one that has no devices, perhaps any more."""
    claim: Object = subject.obj or {}
    return not is_allocated(claim) or key_of(claim) in claims_of_pod(pod.pod)


def _is_available(claim: Object, node: NodeInfo) -> bool:
    selector = get_path(claim, "status.allocation.nodeSelector")
    return selector is None or any(term.matches(node.name, node.labels) for term in parse_terms(selector))
