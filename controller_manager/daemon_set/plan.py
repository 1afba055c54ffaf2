"""Which pods of a DaemonSet to make and delete, node by node. Pure.

Source: pkg/controller/daemon/{daemon_controller,update}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from apimachinery.objects import Object, get_path, is_terminating, labels_of, name_of
from apimachinery.pods import is_available, is_ready, is_terminal, phase_of
from controller_manager.daemon_set.placement import GENERATION_LABEL, Nodes, node_of, template_generation
from controller_manager.history import REVISION_LABEL
from controller_manager.scaled_values import scaled_value

BURST = 250
"""Pods made, and pods deleted, in one pass at most."""

PodsByNode = Mapping[str, Sequence[Object]]


@dataclass(slots=True)
class Plan:
    """What one pass does."""

    create: list[str] = field(default_factory=list)
    """Names of nodes."""
    delete: list[Object] = field(default_factory=list)
    failed: list[Object] = field(default_factory=list)
    """Pods that are deleted because they have failed, and whose node is made to wait longer next time."""
    succeeded: list[Object] = field(default_factory=list)
    wait: float | None = None
    """Seconds until a failed pod may be replaced."""

    def __repr__(self) -> str:
        ends = [*self.delete, *self.failed, *self.succeeded]
        parts = {"create": self.create, "delete": sorted(map(name_of, ends))}
        return " ".join(f"{word}={','.join(names)}" for word, names in parts.items() if names)

    @property
    def is_empty(self) -> bool:
        return not repr(self)


@dataclass(frozen=True, slots=True)
class Daemons:
    """A DaemonSet with its nodes and pods, as seen now."""

    owner: Object
    nodes: Nodes
    pods: PodsByNode
    hash: str
    now: datetime

    def is_updated(self, pod: Object) -> bool:
        """Whether the pod is of the template of now."""
        generation = template_generation(self.owner)
        labels = labels_of(pod)
        return (bool(generation) and labels.get(GENERATION_LABEL) == generation) or (
            labels.get(REVISION_LABEL) == self.hash
        )

    def is_available(self, pod: Object) -> bool:
        return is_available(pod, self.owner["spec"].get("minReadySeconds") or 0, self.now)

    def bounds(self) -> tuple[int, int]:
        """maxSurge and maxUnavailable of an update; with both zero nothing would move."""
        rolling, wanted = (
            get_path(self.owner, "spec.updateStrategy.rollingUpdate", {}),
            len(self.nodes.wanted),
        )
        surge = scaled_value(rolling.get("maxSurge") or 0, wanted, up=True)
        unavailable = scaled_value(rolling.get("maxUnavailable") or 0, wanted, up=True)
        return surge, unavailable or int(surge == 0)

    def allows_surge(self) -> bool:
        return self.is_rolling() and self.bounds()[0] > 0

    def is_rolling(self) -> bool:
        return bool(get_path(self.owner, "spec.updateStrategy.type", "RollingUpdate") == "RollingUpdate")


def by_node(pods: Collection[Object]) -> dict[str, list[Object]]:
    """The oldest first. Pods that have ended and are being deleted are no longer anybody's business."""
    grouped: dict[str, list[Object]] = {}
    for pod in sorted(pods, key=_age):
        if not (is_terminal(pod) and is_terminating(pod)):
            grouped.setdefault(node_of(pod), []).append(pod)
    return grouped


def _age(pod: Object) -> tuple[bool, str, str]:
    created = get_path(pod, "metadata.creationTimestamp", "")
    return not get_path(pod, "spec.nodeName"), created, name_of(pod)


def plan_pods(it: Daemons, known: Collection[str], backoff: Callable[[str], float]) -> Plan:
    """One pod on each wanted node, none elsewhere.

    `known` are the names of all nodes, `backoff` gives the seconds for which a node's failed pod stays.
    """
    plan = Plan()
    for node in sorted({*it.nodes.wanted, *it.pods}):
        pods = it.pods.get(node, ())
        if node in it.nodes.tolerable:
            _plan_node(it, node, pods, backoff, plan)
        elif node in known:
            plan.delete += [pod for pod in pods if not is_terminating(pod)]
        else:  # the node is gone; a pod that is on it belongs to the pod garbage collector
            plan.delete += [pod for pod in pods if not get_path(pod, "spec.nodeName")]
    del plan.create[BURST:], plan.delete[BURST:]
    return plan


def _plan_node(
    it: Daemons, node: str, pods: Sequence[Object], backoff: Callable[[str], float], plan: Plan
) -> None:
    if not pods:
        plan.create += [node] if node in it.nodes.wanted else []
        return
    running = []
    for pod in pods:
        if is_terminating(pod):
            continue
        if phase_of(pod) == "Failed":
            wait = backoff(node)
            if wait > 0:
                plan.wait = min(wait, plan.wait or wait)
            else:
                plan.failed.append(pod)
        elif phase_of(pod) == "Succeeded":
            plan.succeeded.append(pod)
        else:
            running.append(pod)
    if not it.allows_surge():
        plan.delete += running[1:]
    elif not running and node in it.nodes.wanted:
        plan.create.append(node)
    elif len(running) > 1:
        plan.delete += _surplus(it, running)


def _surplus(it: Daemons, running: Sequence[Object]) -> list[Object]:
    """While surging, an old and a new pod may run side by side until the new one is available."""
    new = [pod for pod in running if labels_of(pod).get(REVISION_LABEL) == it.hash]
    old = [pod for pod in running if pod not in new]
    surplus = [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or it.is_available(new[0])):
        surplus.append(old[0])
    return surplus


def plan_update(it: Daemons) -> Plan:
    """The next step of a rolling update, to be taken where `plan_pods` has nothing to do."""
    surge, unavailable = it.bounds()
    plan = _plan_surge(it, surge) if surge else _plan_replacement(it, unavailable)
    del plan.create[BURST:], plan.delete[BURST:]
    return plan


def _plan_replacement(it: Daemons, most: int) -> Plan:
    """Deletes old pods: those that are not available anyway, then as many as may be missing."""
    missing, unavailable, candidates = 0, [], []
    for node in sorted({*it.nodes.wanted, *it.pods}):
        new, old, is_clear = _pair(it, it.pods.get(node, ()))
        if not is_clear or (new is None) == (old is None):
            missing += 1
        elif old is None:
            missing += not it.is_available(new or {})
        elif it.is_available(old):
            candidates.append(old)
        else:
            unavailable.append(old)
            missing += 1
    return Plan(delete=[*unavailable, *candidates[: max(most - missing, 0)]])


def _plan_surge(it: Daemons, most: int) -> Plan:
    """Makes new pods beside the old ones, which go when the new ones are available.

    Old pods on nodes that keep new ones away go when enough others are available.
    """
    surging = available = 0
    urgent: list[str] = []
    candidates: list[str] = []
    done: list[Object] = []
    stranded: list[Object] = []
    for node in sorted(it.pods):
        new, old, is_clear = _pair(it, it.pods[node])
        first = old or new
        available += is_clear and first is not None and it.is_available(first)
        if not is_clear:
            surging += 1
        elif old is None:
            continue
        elif new is None and node not in it.nodes.wanted:
            (stranded if it.is_available(old) else done).append(old)
        elif new is None:
            (candidates if it.is_available(old) else urgent).append(node)
        elif it.is_available(new):
            done.append(old)
        else:
            surging += 1
    spare = max(available - len(it.nodes.wanted), 0)
    return Plan([*urgent, *candidates[: max(most - surging, 0)]], [*done, *stranded[:spare]])


def _pair(it: Daemons, pods: Sequence[Object]) -> tuple[Object | None, Object | None, bool]:
    """The new and the old pod of a node, and whether there is no more than one of each."""
    staying = [pod for pod in pods if not is_terminating(pod)]
    new = [pod for pod in staying if it.is_updated(pod)]
    old = [pod for pod in staying if not it.is_updated(pod)]
    return next(iter(new), None), next(iter(old), None), len(new) <= 1 and len(old) <= 1
