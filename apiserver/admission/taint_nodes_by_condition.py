"""TaintNodesByCondition: a new node takes no pods until its controller has seen it ready.

Source: plugin/pkg/admission/nodetaint/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.scheme import NODES, Resource
from apimachinery.taints import NODE_NOT_READY
from apiserver.admission.attributes import Attributes, Operation

_TAINT = {"key": NODE_NOT_READY, "effect": "NoSchedule"}


class TaintNodesByCondition:
    name = "TaintNodesByCondition"

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == NODES and operation == "CREATE" and not subresource

    async def admit(self, attributes: Attributes) -> None:
        node = attributes.object
        if node is None:
            return
        spec = node.setdefault("spec", {})
        taints = spec.get("taints") or []
        if not any(_TAINT.items() <= taint.items() for taint in taints):
            spec["taints"] = [*taints, dict(_TAINT)]
