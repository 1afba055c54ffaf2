"""Pods with claims, and the objects around them."""

from __future__ import annotations

from typing import Any

from apimachinery import volumes
from apimachinery.objects import Object
from scheduler.node_info import NodeInfo, parse_node
from scheduler.pod_info import PodInfo, parse_pod
from scheduler.volumes.finder import PodClaims, PodVolumes, find_volumes
from tests.unit.scheduler.builders import RecordedStorage, make_node, make_pod
from tests.unit.volumes import make_claim, make_class

BOUND = {volumes.BIND_COMPLETED: "yes"}


def claiming(*claims: str, name: str = "p", **spec: Any) -> PodInfo:
    wanted = [{"name": each, "persistentVolumeClaim": {"claimName": each}} for each in claims]
    return parse_pod(make_pod(name, namespace="ns", volumes=wanted, **spec))


def holding(*objects: Object) -> RecordedStorage:
    recorded = RecordedStorage()
    recorded.put(*objects)
    return recorded


def node(name: str = "n1", **labels: str) -> NodeInfo:
    return NodeInfo(name, parse_node(make_node(name, labels=labels)))


def names(found: PodVolumes | tuple[str, ...]) -> Any:
    """What was found, by name."""
    if isinstance(found, tuple):
        return found
    bindings = [(v["metadata"]["name"], c["metadata"]["name"]) for v, c in found.bindings]
    return bindings, [each["metadata"]["name"] for each in found.provisions]


def found(claims: PodClaims, *objects: Object, on: NodeInfo | None = None) -> Any:
    return names(find_volumes(claims, on or node(), holding(*objects).storage))


IN_USE = make_claim(volume="volume", annotations=BOUND)
LOCAL = make_class(provisioner=volumes.NO_PROVISIONER, delayed=True)
MADE = make_class(delayed=True)
