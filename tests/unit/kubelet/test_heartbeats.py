"""Heartbeats of a node whose API server does not always answer, under virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.node.agent import NodeAgent
from kubelet.node.followed import FollowedNodes
from kubelet.node.heartbeats import renew_lease_at_once, renew_leases
from kubelet.node.sources import DescribedSource
from kubelet.node.status import NodeConfig
from kubelet.runtime.interface import RuntimeVersion
from tests.unit.kubelet.world import MACHINE, now

pytestmark = pytest.mark.looptime


class Api:
    """Does not answer the first so many times. Has one Node, if any; `gone`: nothing to change."""

    def __init__(self, failures: int = 0, node: Object | None = None, *, gone: bool = False) -> None:
        self.gone = gone
        self.made: list[Object] = []
        self.failures = failures
        self.renewed = 0
        self.node = node or {}

    async def list(self, *ignored: Any, **options: Any) -> Object:
        return {"metadata": {"resourceVersion": "1"}, "items": [self.node]}

    async def watch(self, *ignored: Any, **options: Any) -> AsyncIterator[tuple[str, Object]]:
        await asyncio.Event().wait()
        yield "", {}

    async def create(self, resource: Any, lease: Object) -> Object:
        self.made.append(lease)
        return lease

    async def patch(self, resource: Any, name: str, *ignored: Any, **options: Any) -> Object:
        if self.gone:
            raise NotFoundError(resource, name)
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionFailed("connection refused")
        self.renewed += 1
        return self.node


def agent_of(api: Api) -> NodeAgent:
    config = NodeConfig("n1", ("192.0.2.1",), "n1")
    return NodeAgent(cast(Client, api), config, DescribedSource(MACHINE, RuntimeVersion("x", "1", "1")), now)


async def test_a_first_lease_that_fails_ends_nothing_and_follows_with_the_others() -> None:
    api = Api(failures=3)
    agent = agent_of(api)
    await renew_lease_at_once(agent)
    assert (api.failures, api.renewed) == (2, 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await renew_leases([agent])
    assert (api.failures, api.renewed) == (-1, 1)


async def test_a_lease_is_only_made_for_a_node_that_is_known() -> None:
    api = Api(gone=True)
    agent = agent_of(api)
    await agent.renew_lease()
    assert api.made == []
    agent.observe({"metadata": {"name": "n1", "uid": "u1"}})
    await agent.renew_lease()
    (lease,) = api.made
    assert lease["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u1"}
    ]


def node_that_is(ready: str) -> Object:
    return {"metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


@pytest.mark.parametrize(("ready", "reports"), [("True", 0), ("False", 0), ("Unknown", 1)])
async def test_a_node_that_was_given_up_says_that_it_lives(ready: str, reports: int) -> None:
    api = Api(node=node_that_is(ready))
    agent = agent_of(api)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await FollowedNodes(cast(Client, api), {"n1": agent}, "x=y").run()
    assert (agent.node, api.renewed) == (api.node, reports)
