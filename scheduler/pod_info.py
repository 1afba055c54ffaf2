"""PodInfo: all that scheduling needs of a pod, parsed once.

What comes from a pod's template is a PodSpec. Pods of one template share one PodSpec object, so they are
parsed once and whatever is remembered per PodSpec (masks of suitable nodes) is remembered for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from apimachinery.labels import IN, Requirement, Selector, SelectorError, selector_from_label_selector
from apimachinery.node_selector import (
    NodeSelectorTerm,
    RequiredNodes,
    parse_preferred_nodes,
    parse_required_nodes,
)
from apimachinery.objects import NamespacedName, Object, controller_of, get_path, key_of
from apimachinery.pods import host_ports
from apimachinery.volumes import claim_of_volume
from scheduler.resizing import statuses_that_differ, taken_spec
from scheduler.resources import Amounts, assumed_requests, pod_requests
from scheduler.volumes.disks import KINDS, Disk, disks_of

HostPort = tuple[str, str, int]
NOTHING = Selector(nothing=True)
NOT_STARTED = "~"
DEFAULT_SCHEDULER = "default-scheduler"


@dataclass(frozen=True, slots=True)
class AffinityTerm:
    """One term of pod (anti-)affinity. `namespaces` is empty where the pod's own is meant."""

    topology_key: str
    selector: Selector
    namespaces: frozenset[str]
    namespace_selector: Selector
    weight: int = 0


@dataclass(frozen=True, slots=True)
class PodAffinity:
    """The terms of pod affinity or of pod anti-affinity."""

    required: tuple[AffinityTerm, ...] = ()
    preferred: tuple[AffinityTerm, ...] = ()


@dataclass(frozen=True, slots=True)
class SpreadConstraint:
    """One topology spread constraint."""

    max_skew: int
    topology_key: str
    selector: Selector
    is_hard: bool = False
    match_label_keys: tuple[str, ...] = ()
    min_domains: int = 1
    honor_affinity: bool = True
    honor_taints: bool = False

    def selector_for(self, labels: Mapping[str, str]) -> Selector:
        """The selector, narrowed to the pod's own values of matchLabelKeys."""
        own = tuple(Requirement(key, IN, (labels[key],)) for key in self.match_label_keys if key in labels)
        return Selector(self.selector.requirements + own, self.selector.nothing) if own else self.selector


@dataclass(frozen=True, slots=True, eq=False)
class PodSpec:
    """What a pod's template says to the scheduler. Compared by identity: see `parse_spec`."""

    requests: Amounts
    assumed_requests: Amounts  # containers without requests count as the usual small amount
    host_ports: tuple[HostPort, ...]
    required_nodes: RequiredNodes
    preferred_nodes: tuple[tuple[int, NodeSelectorTerm], ...]
    tolerations: tuple[Object, ...]
    images: tuple[str, ...]
    affinity: PodAffinity
    anti_affinity: PodAffinity
    spread: tuple[SpreadConstraint, ...]
    placement: bytes = field(repr=False)  # equal where the same nodes suit, whatever runs on them


class ClaimReference(NamedTuple):
    """A claim behind one of the pod's volumes; an ephemeral one is made for the pod alone."""

    key: NamespacedName
    is_ephemeral: bool


@dataclass(frozen=True, slots=True, eq=False)
class PodInfo:
    """One pod, as the scheduler sees it. `pod` is the object itself, read-only."""

    key: NamespacedName
    uid: str
    pod: Object = field(repr=False)
    labels: Mapping[str, str]
    node_name: str
    nominated_node: str
    priority: int
    scheduler_name: str
    gates: tuple[str, ...]
    can_preempt: bool
    is_terminating: bool
    owner: tuple[str, str] | None  # kind and name of the controller
    start_time: str  # NOT_STARTED is later than any
    claims: tuple[ClaimReference, ...]
    disks: tuple[Disk, ...]
    spec: PodSpec = field(repr=False)

    @property
    def namespace(self) -> str:
        return self.key.namespace


def asks_for_less(old: PodInfo, new: PodInfo) -> bool:
    """Of one resource at least."""
    after = new.spec.requests
    return any(after.get(name, 0) < value for name, value in old.spec.requests.items())


def parse_pod(pod: Object) -> PodInfo:
    spec, status, metadata = pod.get("spec") or {}, pod.get("status") or {}, pod["metadata"]
    owner = controller_of(pod)
    return PodInfo(
        key=key_of(pod),
        uid=metadata.get("uid") or "",
        pod=pod,
        labels=metadata.get("labels") or {},
        node_name=spec.get("nodeName") or "",
        nominated_node=status.get("nominatedNodeName") or "",
        priority=spec.get("priority") or 0,
        scheduler_name=spec.get("schedulerName") or DEFAULT_SCHEDULER,
        gates=tuple(each["name"] for each in spec.get("schedulingGates") or ()),
        can_preempt=spec.get("preemptionPolicy") != "Never",
        is_terminating=bool(metadata.get("deletionTimestamp")),
        owner=(owner["kind"], owner["name"]) if owner else None,
        start_time=status.get("startTime") or NOT_STARTED,
        claims=_claims(pod),
        disks=tuple(each for volume in spec.get("volumes") or () for each in disks_of(volume)),
        spec=parse_spec(taken_spec(pod)),
    )


def _claims(pod: Object) -> tuple[ClaimReference, ...]:
    named = [(claim_of_volume(pod, volume), volume) for volume in get_path(pod, "spec.volumes", [])]
    return tuple(ClaimReference(key, "ephemeral" in volume) for key, volume in named if key is not None)


def parse_spec(spec: Object) -> PodSpec:
    """The parsed spec, shared by all pods that say the same of everything that matters here."""
    return _parse_relevant(orjson.dumps(_relevant(spec)))


_POD_FIELDS = (
    "nodeSelector",
    "affinity",
    "tolerations",
    "topologySpreadConstraints",
    "overhead",
    "resources",
)
_CONTAINER_FIELDS = ("image", "resources", "ports", "restartPolicy")


_KEPT_SPEC_FIELDS = (
    "nodeName", "priority", "schedulerName", "schedulingGates", "preemptionPolicy", "resourceClaims",
    *_POD_FIELDS,
)  # fmt: skip
_KEPT_STATUS_FIELDS = ("phase", "conditions", "nominatedNodeName", "startTime", "resourceClaimStatuses")


_KEPT_OF_RESIZED = ("name", "resources", "allocatedResources")


def trim(pod: Object) -> None:
    """Drops, in place, what scheduling never asks for: most of a pod, and a cache has all pods there are."""
    metadata, spec, status = pod["metadata"], pod.get("spec") or {}, pod.get("status") or {}
    for name in ("managedFields", "annotations"):
        metadata.pop(name, None)
    resized = [
        {name: each[name] for name in _KEPT_OF_RESIZED if name in each} for each in statuses_that_differ(pod)
    ]
    kept = {name: spec[name] for name in _KEPT_SPEC_FIELDS if name in spec}
    pod["spec"] = kept | _relevant_containers(spec, ("name", *_CONTAINER_FIELDS)) | _relevant_volumes(spec)
    pod["status"] = {name: status[name] for name in _KEPT_STATUS_FIELDS if name in status}
    if resized:
        pod["status"]["containerStatuses"] = resized


def _relevant(spec: Object) -> Object:
    found: Object = {name: spec[name] for name in _POD_FIELDS if spec.get(name)}
    images = [{"image": each["image"]} for each in spec.get("volumes") or () if each.get("image")]
    return found | _relevant_containers(spec, _CONTAINER_FIELDS) | ({"volumes": images} if images else {})


def _relevant_containers(spec: Object, fields: Iterable[str]) -> Object:
    return {
        name: [{each: container[each] for each in fields if each in container} for container in spec[name]]
        for name in ("containers", "initContainers")
        if spec.get(name)
    }


def _relevant_volumes(spec: Object) -> Object:
    """Those with a claim behind them (of an ephemeral one the name is enough), disks and images."""
    volumes = spec.get("volumes") or ()
    kept = [
        each for each in volumes if any(kind in each for kind in ("persistentVolumeClaim", "image", *KINDS))
    ]
    kept += [{"name": each["name"], "ephemeral": {}} for each in volumes if "ephemeral" in each]
    return {"volumes": kept} if kept else {}


@lru_cache(maxsize=4096)
def _parse_relevant(data: bytes) -> PodSpec:
    spec: Object = orjson.loads(data)
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    images = [each.get("image") or "" for each in containers]
    images += [each["image"].get("reference") or "" for each in spec.get("volumes") or ()]
    placement = [spec.get("nodeSelector"), get_path(spec, "affinity.nodeAffinity"), spec.get("tolerations")]
    return PodSpec(
        requests={name: value for name, value in pod_requests(spec).items() if value},
        assumed_requests=assumed_requests(spec),
        host_ports=tuple(host_ports({"spec": spec})),
        required_nodes=parse_required_nodes(spec),
        preferred_nodes=parse_preferred_nodes(spec),
        tolerations=tuple(spec.get("tolerations") or ()),
        images=tuple(images),
        affinity=_affinity(get_path(spec, "affinity.podAffinity", {})),
        anti_affinity=_affinity(get_path(spec, "affinity.podAntiAffinity", {})),
        spread=tuple(map(parse_spread, spec.get("topologySpreadConstraints") or ())),
        placement=orjson.dumps([*placement, images]),
    )


def _affinity(affinity: Object) -> PodAffinity:
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    preferred = affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or ()
    return PodAffinity(
        tuple(_affinity_term(each) for each in required),
        tuple(_affinity_term(each["podAffinityTerm"], each["weight"]) for each in preferred),
    )


def _affinity_term(term: Object, weight: int = 0) -> AffinityTerm:
    return AffinityTerm(
        topology_key=term.get("topologyKey") or "",
        selector=_selector(term.get("labelSelector")),
        namespaces=frozenset(term.get("namespaces") or ()),
        namespace_selector=_selector(term.get("namespaceSelector")),
        weight=weight,
    )


def parse_spread(constraint: Object) -> SpreadConstraint:
    return SpreadConstraint(
        max_skew=constraint["maxSkew"],
        topology_key=constraint["topologyKey"],
        selector=_selector(constraint.get("labelSelector")),
        is_hard=constraint.get("whenUnsatisfiable") != "ScheduleAnyway",
        match_label_keys=tuple(constraint.get("matchLabelKeys") or ()),
        min_domains=constraint.get("minDomains") or 1,
        honor_affinity=constraint.get("nodeAffinityPolicy") != "Ignore",
        honor_taints=constraint.get("nodeTaintsPolicy") == "Honor",
    )


def _selector(selector: Any) -> Selector:
    try:
        return selector_from_label_selector(selector)
    except SelectorError:  # refused by validation; an old object may still carry one
        return NOTHING
