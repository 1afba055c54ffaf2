"""Keeps the agents of many nodes up to date with the API; one that was given up on reports at once.

A single node does so with its own informer (`node_life`) and reports every ten seconds; a thousand would not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from apimachinery.conditions import condition_of
from apimachinery.objects import NamespacedName, Object
from apimachinery.scheme import NODES
from client.controller import Controller, Watch, by_name
from client.informer import Informer
from client.rest import Client
from kubelet.node.agent import NodeAgent

WORKERS = 16


class FollowedNodes:
    def __init__(self, client: Client, agents: Mapping[str, NodeAgent], label_selector: str) -> None:
        self._agents = agents
        self._nodes = Informer(client, NODES, label_selector=label_selector)
        watch = Watch(self._nodes, by_name)
        self._controller = Controller("nodes", self._reconcile, watches=[watch], workers=WORKERS)

    async def run(self) -> None:
        """Never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._nodes.run())
            group.create_task(self._controller.run())

    async def _reconcile(self, key: NamespacedName) -> float | None:
        node, agent = self._nodes.get(key), self._agents.get(key.name)
        if node is not None and agent is not None:
            agent.observe(node)
            if is_given_up(node):
                await agent.report()
        return None


def is_given_up(node: Object) -> bool:
    """Whether its leases came too late for the control plane to believe that it lives."""
    ready = condition_of(node, "Ready")
    return ready is not None and ready["status"] == "Unknown"
