"""Which pods of a StatefulSet to mend, make and delete now. Pure.

An ordered set goes one step at a time: up from the lowest ordinal, down from the highest, an update from the
highest; each pod waits until those before it are available. A parallel set makes and deletes all at once,
but updates one by one (or `maxUnavailable` at a time) as well.
Source: pkg/controller/statefulset/stateful_set_control.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.pods import is_available, is_terminal, phase_of
from controller_manager.history import template_of
from controller_manager.scaled_values import scaled_value
from controller_manager.stateful_set.identity import new_pod, ordinal_of, ordinals_of, revision_of


@dataclass(frozen=True, slots=True)
class Plan:
    """What one pass does, in this order."""

    mend: Sequence[Object] = ()
    """Pods that stay: their claims, labels and volumes are to be put right."""
    hand_over: Sequence[Object] = ()
    """Pods beyond the ordinals: whom their claims belong to is to be put right before they go."""
    create: Sequence[Object] = ()
    delete: Sequence[Object] = ()
    update: Sequence[Object] = ()
    """Pods of an old revision, to be deleted so that their successors are made from the new one."""

    def __repr__(self) -> str:
        parts = {"create": self.create, "delete": self.delete, "update": self.update}
        return " ".join(f"{word}={','.join(map(name_of, pods))}" for word, pods in parts.items() if pods)


@dataclass(frozen=True, slots=True)
class Sorted:
    """The pods by their fate: one a wanted ordinal, lowest first, and those beyond, highest first."""

    replicas: Sequence[Object]
    condemned: Sequence[Object]


def sort_pods(stateful_set: Object, pods: Sequence[Object], current: Object, update: Object) -> Sorted:
    """Where a wanted ordinal has no pod, there stands the one to be created."""
    ordinals = ordinals_of(stateful_set)
    known = {ordinal_of(pod): pod for pod in pods}
    replicas = [
        known.get(ordinal) or _next_pod(stateful_set, ordinal, current, update) for ordinal in ordinals
    ]
    beyond = [pod for ordinal, pod in known.items() if ordinal >= 0 and ordinal not in ordinals]
    return Sorted(replicas, sorted(beyond, key=ordinal_of, reverse=True))


def _next_pod(stateful_set: Object, ordinal: int, current: Object, update: Object) -> Object:
    """Below the partition pods are of the current revision, from there on of the new one."""
    is_old = is_rolling(stateful_set) and ordinal - ordinals_of(stateful_set).start < _partition(stateful_set)
    revision = current if is_old else update
    return new_pod(stateful_set, template_of(revision), name_of(revision), ordinal)


def plan_pods(stateful_set: Object, pods: Sorted, update: Object, now: datetime) -> Plan:
    """The next step of an ordered set, or all there is to do of a parallel one."""
    return _Planner(stateful_set, pods, now).plan(name_of(update))


def is_created(pod: Object) -> bool:
    """A pod of the API has a phase from its first moment on."""
    return bool(phase_of(pod))


def is_ordered(stateful_set: Object) -> bool:
    return bool(stateful_set["spec"].get("podManagementPolicy") != "Parallel")


def is_rolling(stateful_set: Object) -> bool:
    return bool(get_path(stateful_set, "spec.updateStrategy.type", "RollingUpdate") == "RollingUpdate")


def _partition(stateful_set: Object) -> int:
    return int(get_path(stateful_set, "spec.updateStrategy.rollingUpdate.partition", 0))


def max_unavailable(stateful_set: Object) -> int | None:
    """How many pods an update may take away at a time; None: one, and only after those above it are back."""
    value = get_path(stateful_set, "spec.updateStrategy.rollingUpdate.maxUnavailable")
    if value is None:
        return None
    return max(scaled_value(value, len(ordinals_of(stateful_set)), up=False), 1)


class _Planner:
    """One pass over the pods. Each step says whether the next one may be taken."""

    def __init__(self, stateful_set: Object, pods: Sorted, now: datetime) -> None:
        self._set, self._replicas, self._condemned = stateful_set, pods.replicas, pods.condemned
        self._ordered = is_ordered(stateful_set)
        self._seconds, self._now = stateful_set["spec"].get("minReadySeconds") or 0, now
        self._mend: list[Object] = []
        self._create: list[Object] = []
        self._delete: list[Object] = []

    def plan(self, update: str) -> Plan:
        if not self._raise():
            return Plan(self._mend, (), self._create, self._delete)
        outdated = self._outdated(update) if self._lower() and is_rolling(self._set) else []
        return Plan(self._mend, self._condemned, self._create, self._delete, outdated)

    def _raise(self) -> bool:
        """Sees to it that every wanted pod is there."""
        for pod in self._replicas:
            if is_terminal(pod):
                if not is_terminating(pod):
                    self._delete.append(pod)
            elif not is_created(pod):
                self._create.append(pod)
            else:
                self._mend.append(pod)
                if not self._is_unavailable(pod):
                    continue
            if self._ordered:
                return False
        return True

    def _lower(self) -> bool:
        """Sees to it that nothing else is there. An unavailable pod blocks, unless it is the one to go."""
        unavailable = filter(self._is_unavailable, [*self._replicas, *reversed(self._condemned)])
        first_unavailable = next(unavailable, None)
        for pod in self._condemned:
            if not is_terminating(pod):
                is_blocked = not self._is_available(pod) and pod is not first_unavailable
                if not (self._ordered and is_blocked):
                    self._delete.append(pod)
            if self._ordered:
                return False
        return True

    def _outdated(self, update: str) -> list[Object]:
        """The pods that the update takes away next, from the highest ordinal down to the partition."""
        candidates = [
            pod
            for pod in reversed(self._replicas[_partition(self._set) :])
            if revision_of(pod) != update and not is_terminating(pod)
        ]
        most = max_unavailable(self._set)
        if most is not None:
            spare = most - sum(map(self._is_unavailable, self._replicas))
            return candidates[: max(spare, 0)]
        if not candidates:
            return []
        done = self._replicas[ordinal_of(candidates[0]) - ordinals_of(self._set).start + 1 :]
        return [] if any(map(self._is_unavailable, done)) else candidates[:1]

    def _is_available(self, pod: Object) -> bool:
        return phase_of(pod) == "Running" and is_available(pod, self._seconds, self._now)

    def _is_unavailable(self, pod: Object) -> bool:
        return is_terminating(pod) or not self._is_available(pod)
