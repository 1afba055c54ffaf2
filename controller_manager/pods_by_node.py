"""The index of pods by the node that they are bound to, shared by the controllers that care for nodes."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object

PODS_BY_NODE = "pods by node"


def pods_by_node(pod: Object) -> Iterable[str]:
    """The node's name; none of a pod that has no node."""
    return (pod["spec"]["nodeName"],) if pod["spec"].get("nodeName") else ()
