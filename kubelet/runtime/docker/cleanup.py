"""Takes everything of a node off the machine: its containers, then its network. What `--cleanup` does."""

from __future__ import annotations

import asyncio

from kubelet.network.cleanup import cleanup_network
from kubelet.runtime.docker.connection import Connector
from kubelet.runtime.docker.creation import Creator
from kubelet.runtime.docker.engine import Engine, labelled
from kubelet.runtime.docker.labels import NODE
from kubelet.runtime.docker.log_links import LogLinks


async def cleanup_node(node: str, endpoint: str, links: LogLinks) -> list[str]:
    """The names of what was taken away. Raises RuntimeUnavailable if the engine does not answer."""
    engine = Engine(endpoint)
    creator = Creator(engine, Connector(endpoint))
    listed = await engine.list_containers(labelled({NODE: node}))
    for each in listed:
        await asyncio.to_thread(links.remove, each["Id"])
    await asyncio.gather(*(creator.remove(each["Id"]) for each in listed))
    names = [each["Names"][0].lstrip("/") for each in listed if each["Names"]]
    return names + await asyncio.to_thread(cleanup_network, node)
