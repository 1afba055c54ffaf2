"""How many pods to make or which ones to delete: pure, shared by ReplicaSets and ReplicationControllers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, annotations_of, get_path, is_terminating, uid_of
from apimachinery.pods import is_ready, is_terminal, phase_of
from apimachinery.times import parse_time
from apimachinery.well_known import DELETION_COST
from controller_manager.pod_control import BURST

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """What one pass does: make so many pods, or delete these."""

    create: int = 0
    delete: Sequence[Object] = ()


def is_active(pod: Object) -> bool:
    """Whether the pod counts as a replica: neither ended nor being deleted."""
    return not is_terminal(pod) and not is_terminating(pod)


def plan_replicas(
    wanted: int, active: Sequence[Object], related: Iterable[Object], now: datetime
) -> ReplicaPlan:
    """From the wanted number and the active pods; `related` pods (of the grand-owner) spread deletions."""
    difference = len(active) - wanted
    if difference < 0:
        return ReplicaPlan(create=min(-difference, BURST))
    if difference > 0:
        return ReplicaPlan(delete=pods_to_delete(active, related, min(difference, BURST), now))
    return ReplicaPlan()


def pods_to_delete(
    active: Sequence[Object], related: Iterable[Object], count: int, now: datetime
) -> list[Object]:
    """The `count` pods that are missed least."""
    if count >= len(active):
        return list(active)
    crowd = Counter(_node_of(pod) for pod in related if is_active(pod))
    rank = {uid_of(pod): crowd[_node_of(pod)] for pod in active}

    def compare(a: Object, b: Object) -> int:
        return _compare(a, b, rank, now)

    return sorted(active, key=cmp_to_key(compare))[:count]


def _compare(a: Object, b: Object, rank: dict[str, int], now: datetime) -> int:
    """Negative if `a` should go first: upstream's ActivePodsWithRanks."""
    for one, other in (
        (bool(_node_of(a)), bool(_node_of(b))),
        (_PHASES.get(phase_of(a), 0), _PHASES.get(phase_of(b), 0)),
        (is_ready(a), is_ready(b)),
        (deletion_cost(a), deletion_cost(b)),
        (-rank[uid_of(a)], -rank[uid_of(b)]),
    ):
        if one != other:
            return -1 if one < other else 1
    if is_ready(a) and (verdict := _younger_first(_ready_since(a), _ready_since(b), a, b, now)):
        return verdict
    for one, other in zip(_restarts(b), _restarts(a), strict=True):
        if one != other:
            return -1 if one < other else 1
    return _younger_first(_created(a), _created(b), a, b, now)


def _younger_first(one: datetime | None, other: datetime | None, a: Object, b: Object, now: datetime) -> int:
    """By age on a logarithmic scale; within one step of it by uid, which is as good as random."""
    if one == other:
        return 0
    if one is None or other is None:
        return -1 if one is None else 1
    difference = _magnitude(one, now) - _magnitude(other, now)
    if difference:
        return difference
    return -1 if uid_of(a) < uid_of(b) else 1


def _magnitude(moment: datetime, now: datetime) -> int:
    nanoseconds = (now - moment).total_seconds() * 1e9
    return int(math.log2(nanoseconds)) if nanoseconds > 0 else -1


def deletion_cost(pod: Object) -> int:
    """What the user says deleting the pod costs; 0 if that is no number."""
    text = annotations_of(pod).get(DELETION_COST, "0")
    digits = text.removeprefix("-")
    is_canonical = digits.isdigit() and (digits == "0" or not digits.startswith("0"))
    return int(text) if is_canonical and -(2**31) <= int(text) < 2**31 else 0


def _node_of(pod: Object) -> str:
    return str(get_path(pod, "spec.nodeName", ""))


def _ready_since(pod: Object) -> datetime | None:
    since = (condition_of(pod, "Ready") or {}).get("lastTransitionTime")
    return parse_time(since) if since else None


def _created(pod: Object) -> datetime | None:
    created = get_path(pod, "metadata.creationTimestamp")
    return parse_time(created) if created else None


def _restarts(pod: Object) -> tuple[int, int]:
    """The most restarts of a container, and of a sidecar."""
    sidecars = {
        each["name"]
        for each in get_path(pod, "spec.initContainers", [])
        if each.get("restartPolicy") == "Always"
    }
    statuses = get_path(pod, "status.containerStatuses", [])
    inits = [each for each in get_path(pod, "status.initContainerStatuses", []) if each["name"] in sidecars]
    most = (max((each.get("restartCount") or 0 for each in group), default=0) for group in (statuses, inits))
    regular, sidecar = most
    return regular, sidecar
