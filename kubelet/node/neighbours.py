"""Keeps the ways to other nodes' pods as the Node objects say: woken by them, tried again until it works."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from apimachinery.objects import NamespacedName, Object
from client.informer import Informer
from kubelet.network.pod_network import NetworkError
from kubelet.network.routes import Route, internal_ip, pod_cidrs, wanted_routes

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_CHECK_SECONDS = 60.0
"""Routes that somebody else took away, with an interface for example, are there again after a minute."""


class Reaching(Protocol):
    """The pod network as far as neighbours need it."""

    async def reach(self, wanted: set[Route], own_address: str) -> None: ...


class Neighbours:
    def __init__(self, node: str, nodes: Informer, network: Reaching) -> None:
        self._node = node
        self._nodes = nodes
        self._network = network
        self._news = asyncio.Event()
        nodes.add_handler(self._on_node)

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if _place(old) != _place(new):
            self._news.set()

    async def run(self) -> None:
        """Never ends."""
        await self._nodes.wait_synced()
        while True:
            self._news.clear()
            try:
                await self._reach()
            except NetworkError as error:
                log.warning("Other nodes' pods cannot be reached, will retry: error=%s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _reach(self) -> None:
        own = internal_ip(self._nodes.get(NamespacedName("", self._node)) or {})
        wanted = wanted_routes(self._nodes.list(), self._node)
        if own:
            await self._network.reach(wanted, own)


def _place(node: Object | None) -> tuple[str, list[str]]:
    """What the way to a node's pods depends on."""
    return (internal_ip(node), pod_cidrs(node)) if node else ("", [])
