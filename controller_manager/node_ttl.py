"""How long kubelets may keep Secrets and ConfigMaps: the longer the more nodes there are, as an annotation.

Source: pkg/controller/ttl/ttl_controller.go.
"""

from __future__ import annotations

from contextlib import suppress

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, annotations_of
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext

ANNOTATION = "node.alpha.kubernetes.io/ttl"
STEPS = ((0, 100, 0), (90, 500, 15), (450, 1000, 30), (900, 2000, 60), (1800, 10000, 300), (9000, 2**31, 600))
"""From so many nodes to so many, so many seconds. They overlap: a node more or less changes nothing."""


def step_for(nodes: int, step: int) -> int:
    """The index of the step to be on, coming from another."""
    while nodes > STEPS[step][1]:
        step += 1
    while nodes < STEPS[step][0]:
        step -= 1
    return step


class NodeTTLController:
    """A node is looked at when it changes, so that all have the annotation after their next heartbeat."""

    name = "ttl-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._nodes = context.informers.informer(scheme.NODES)
        self._step = 0

    def watches(self) -> list[Watch]:
        return [Watch(self._nodes, by_name)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        self._step = step_for(self._nodes.count, self._step)
        node, wanted = self._nodes.get(key), str(STEPS[self._step][2])
        if node is not None and annotations_of(node).get(ANNOTATION) != wanted:
            patch = {"metadata": {"annotations": {ANNOTATION: wanted}}}
            with suppress(NotFoundError):
                await self._client.patch(scheme.NODES, key.name, patch)
        return None
