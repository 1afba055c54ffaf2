"""DefaultTolerationSeconds: every pod stays for five minutes on a node that is not ready or not reachable.

Source: plugin/pkg/admission/defaulttolerationseconds/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.objects import Object
from apimachinery.scheme import PODS, Resource
from apimachinery.taints import NODE_NOT_READY, NODE_UNREACHABLE
from apiserver.admission.attributes import Attributes, Operation


class DefaultTolerationSeconds:
    name = "DefaultTolerationSeconds"

    def __init__(self, not_ready_seconds: int, unreachable_seconds: int) -> None:
        self._seconds = {NODE_NOT_READY: not_ready_seconds, NODE_UNREACHABLE: unreachable_seconds}

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return resource == PODS and operation in ("CREATE", "UPDATE") and not subresource

    async def admit(self, attributes: Attributes) -> None:
        pod = attributes.object
        if pod is None:
            return
        tolerations = pod["spec"].get("tolerations") or []
        missing = [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
            for key, seconds in self._seconds.items()
            if not any(_covers(each, key) for each in tolerations)
        ]
        if missing:
            pod["spec"]["tolerations"] = [*tolerations, *missing]


def _covers(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")
