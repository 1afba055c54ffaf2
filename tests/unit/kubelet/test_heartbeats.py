"""Heartbeats of a node whose API server does not always answer, under virtual time."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from apimachinery.objects import Object
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.node.agent import NodeAgent
from kubelet.node.heartbeats import renew_lease_at_once, renew_leases
from kubelet.node.sources import DescribedSource
from kubelet.node.status import NodeConfig
from kubelet.runtime.interface import RuntimeVersion
from tests.unit.kubelet.world import MACHINE, now

pytestmark = pytest.mark.looptime


class Api:
    """Does not answer the first so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.renewed = 0

    async def patch(self, *ignored: Any, **options: Any) -> Object:
        self.failures -= 1
        if self.failures >= 0:
            raise ConnectionFailed("connection refused")
        self.renewed += 1
        return {}


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
