"""On which nodes a DaemonSet's pods belong, and the pod of a node. Pure.

A pod is bound by the scheduler like any other; its node affinity names the one node that it is for.
Source: pkg/controller/daemon/{daemon_controller,util/daemonset_util}.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery.node_selector import parse_required_nodes
from apimachinery.objects import Object, annotations_of, get_path, labels_of, name_of
from apimachinery.taints import (
    NO_EXECUTE,
    NO_SCHEDULE,
    NODE_DISK_PRESSURE,
    NODE_MEMORY_PRESSURE,
    NODE_NETWORK_UNAVAILABLE,
    NODE_NOT_READY,
    NODE_PID_PRESSURE,
    NODE_UNREACHABLE,
    NODE_UNSCHEDULABLE,
    find_untolerated,
)
from controller_manager.history import REVISION_LABEL
from controller_manager.pod_control import pod_from_template

TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
GENERATION_LABEL = "pod-template-generation"

_TOLERATED = (
    (NODE_NOT_READY, NO_EXECUTE),
    (NODE_UNREACHABLE, NO_EXECUTE),
    (NODE_DISK_PRESSURE, NO_SCHEDULE),
    (NODE_MEMORY_PRESSURE, NO_SCHEDULE),
    (NODE_PID_PRESSURE, NO_SCHEDULE),
    (NODE_UNSCHEDULABLE, NO_SCHEDULE),
)
"""What keeps no daemon away: it may be the one that mends the node."""

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a DaemonSet by name."""

    wanted: frozenset[str]
    """Here a pod should run."""
    tolerable: frozenset[str]
    """Here a pod that runs may go on: the wanted ones and those that only keep new pods away."""


def place(daemon_set: Object, nodes: Iterable[Object]) -> Nodes:
    spec = daemon_set["spec"]["template"]["spec"]
    required, named = parse_required_nodes(spec), spec.get("nodeName")
    tolerations = tolerations_of(spec)
    wanted, tolerable = set(), set()
    for node in nodes:
        name, taints = name_of(node), get_path(node, "spec.taints", [])
        if named not in (None, "", name) or not required.matches(name, labels_of(node)):
            continue
        if find_untolerated(taints, tolerations, (NO_EXECUTE,)) is None:
            tolerable.add(name)
            if find_untolerated(taints, tolerations, (NO_SCHEDULE,)) is None:
                wanted.add(name)
    return Nodes(frozenset(wanted), frozenset(tolerable))


def tolerations_of(spec: Object) -> list[Object]:
    """The template's own tolerations, and those that every daemon has."""
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TOLERATED]
    if spec.get("hostNetwork"):
        added.append({"key": NODE_NETWORK_UNAVAILABLE, "operator": "Exists", "effect": NO_SCHEDULE})
    own = list(spec.get("tolerations") or ())
    return own + [each for each in added if each not in own]


def new_pod(daemon_set: Object, node: str, hash: str) -> Object:
    """The pod of a node, yet to be created."""
    pod = pod_from_template(daemon_set, daemon_set["spec"]["template"])
    labels = {**labels_of(pod), REVISION_LABEL: hash}
    if generation := template_generation(daemon_set):
        labels[GENERATION_LABEL] = generation
    pod["metadata"]["labels"] = labels
    spec = pod["spec"]
    pod["spec"] = {**spec, "affinity": _only_on(spec, node), "tolerations": tolerations_of(spec)}
    return pod


def template_generation(daemon_set: Object) -> str:
    return annotations_of(daemon_set).get(TEMPLATE_GENERATION, "")


def _only_on(spec: Object, node: str) -> Object:
    """The affinity of the template, but for the nodes: those were chosen already."""
    affinity = spec.get("affinity") or {}
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    return {**affinity, "nodeAffinity": {**(affinity.get("nodeAffinity") or {}), _REQUIRED: required}}


def node_of(pod: Object) -> str:
    """The node a pod is on, or will be bound to; "" if it says neither."""
    bound = get_path(pod, "spec.nodeName")
    if bound:
        return str(bound)
    names = parse_required_nodes(pod["spec"]).names or frozenset()
    return next(iter(names)) if len(names) == 1 else ""
