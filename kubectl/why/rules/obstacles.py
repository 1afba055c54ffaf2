"""What a node has against a pod, from the scheduler's verdicts, and how each obstacle would be taken away.

Where the scheduler's own record can't be had, the commonest verdicts are worked out from the objects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apimachinery.objects import Object, get_path, labels_of, name_of
from apimachinery.pods import pod_requests
from apimachinery.quantity import Quantity
from kubectl.why import fixes
from kubectl.why.containers import Container
from kubectl.why.diagnosis import Fix
from kubectl.why.facts import PodFacts, Scheduling
from kubectl.why.verdicts import left_on, untolerated, verdicts_of

_SHORT = re.compile(r"Insufficient (\S+)")


@dataclass(frozen=True, slots=True)
class Obstacle:
    plugin: str
    reason: str
    """The scheduler's words."""
    kind: str
    """Obstacles of one kind are counted together."""
    singular: str
    plural: str
    fix: Fix
    weight: float = 1.0
    """How much would have to change: one is a small change of the pod or the node."""
    is_room: bool = False

    def text(self, count: int) -> str:
        return self.singular if count == 1 else self.plural


@dataclass(frozen=True, slots=True)
class _Case:
    """One plugin's no to one node."""

    facts: PodFacts
    scheduling: Scheduling
    node: Object
    plugin: str
    reason: str


def obstacles_of(facts: PodFacts, scheduling: Scheduling) -> dict[str, list[Obstacle]]:
    """By node. A node with no obstacle is not there: it would take the pod now."""
    found: dict[str, list[Obstacle]] = {}
    for node in scheduling.nodes or ():
        verdicts = verdicts_of(facts, scheduling, node)
        obstacles = [
            _obstacle(_Case(facts, scheduling, node, plugin, reason))
            for plugin, reasons in verdicts.items()
            for reason in reasons
        ]
        if obstacles:
            found[name_of(node)] = obstacles
    return found


def _obstacle(case: _Case) -> Obstacle:
    return _READERS.get(case.plugin, _other)(case)


def _other(case: _Case) -> Obstacle:
    reason = case.reason.removeprefix("node(s) ")
    fix = Fix(f"change what {case.plugin} looks at, or add a node")
    return Obstacle(case.plugin, case.reason, case.reason, reason, reason, fix, 3.0)


def _room(case: _Case) -> Obstacle:
    found = _SHORT.search(case.reason)
    if found is None:
        fix = Fix("delete pods, raise the kubelet's maxPods, or add a node")
        full = "has as many pods as it may", "have as many pods as they may"
        return Obstacle(case.plugin, case.reason, "pods", *full, fix, 2.0, is_room=True)
    resource = found[1]
    wanted, free = pod_requests(case.facts.pod).get(resource, Quantity()), _free(case, resource)
    lack = float(wanted - free) / float(wanted) if wanted else 0.0
    amounts = f"{resource} (wanted {wanted}, {{}}{free} free)"
    return Obstacle(
        case.plugin, case.reason, resource,
        f"lacks {amounts.format('')}", f"lack {amounts.format('at most ')}",
        _lower_request(case, resource, free), lack, is_room=True,
    )  # fmt: skip


def _free(case: _Case, resource: str) -> Quantity:
    return max(left_on(case.node, case.scheduling.pods or (), resource), Quantity())


def _lower_request(case: _Case, resource: str, free: Quantity) -> Fix:
    """To what is free, if one container asks for all of it; else it is for a human to say which."""
    asking = [
        each
        for each in case.facts.pod["spec"]["containers"]
        if get_path(each, f"resources.requests.{resource}")
    ]
    if len(asking) != 1 or not free:
        return Fix(f"ask for less {resource}, or make room: at most {free} is free on {name_of(case.node)}")
    container = Container(asking[0], {}, is_init=False)
    what = f"ask for no more {resource} than node {name_of(case.node)} has"
    return fixes.set_resources(case.facts, container, f"--requests={resource}={free}", what)


def _taint(case: _Case) -> Obstacle:
    taint = untolerated(case.facts.pod, case.node)
    if taint is None:  # it has been taken away since
        return _other(case)
    key, value = taint["key"], taint.get("value") or ""
    node = name_of(case.node)
    shown = f"{key}={value}" if value else key
    if key.startswith("node.kubernetes.io/"):
        fix = Fix(f"see what is wrong with node {node}", f"sampan why node/{node}")
        trouble = key.removeprefix("node.kubernetes.io/")
        return Obstacle(case.plugin, case.reason, key, f"is {trouble}", f"are {trouble}", fix, 5.0)
    toleration = (
        {"key": key, "operator": "Equal", "value": value} if value else {"key": key, "operator": "Exists"}
    )
    known = case.facts.pod["spec"].get("tolerations") or []
    own = [each for each in known if not (each.get("key") or "").startswith("node.kubernetes.io/")]
    fix = fixes.patch_pod_spec(case.facts, f"tolerate taint {shown}", {"tolerations": [*own, toleration]})
    return Obstacle(case.plugin, case.reason, shown, f"has taint {shown}", f"have taint {shown}", fix)


def _cordoned(case: _Case) -> Obstacle:
    fix = Fix("let pods on it again", fixes.command("uncordon", "", name_of(case.node)))
    return Obstacle(case.plugin, case.reason, "cordoned", "is cordoned", "are cordoned", fix, 0.5)


def _affinity(case: _Case) -> Obstacle:
    """A nodeSelector names labels; of an affinity's terms only that they do not match is told."""
    selector = case.facts.pod["spec"].get("nodeSelector") or {}
    labels = labels_of(case.node)
    missing = [f"{key}={value}" for key, value in selector.items() if labels.get(key) != value]
    node = name_of(case.node)
    if not missing:
        fix = Fix("loosen spec.affinity.nodeAffinity, or label a node so that it matches")
        words = "does not match its node affinity", "do not match its node affinity"
        return Obstacle(case.plugin, case.reason, "affinity", *words, fix, 2.0)
    shown = ", ".join(missing)
    overwrite = ["--overwrite"] if any(key in labels for key in selector) else []
    fix = Fix(f"label node {node}", fixes.command("label", "", f"node/{node}", *missing, *overwrite))
    return Obstacle(
        case.plugin, case.reason, shown, f"lacks label {shown}", f"lack label {shown}", fix, len(missing)
    )


def _ports(case: _Case) -> Obstacle:
    fix = Fix("leave hostPort out, or choose another one")
    words = "has the host port taken", "have the host port taken"
    return Obstacle(case.plugin, case.reason, "ports", *words, fix)


_READERS: Mapping[str, Callable[[_Case], Obstacle]] = {
    "NodeResourcesFit": _room,
    "TaintToleration": _taint,
    "NodeUnschedulable": _cordoned,
    "NodeAffinity": _affinity,
    "NodePorts": _ports,
}
