"""One network for all packet tests of a file, and a node in each proxy mode for each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.network import Network, Server, is_possible, network
from tests.integration.proxy.node import CONTEXT2, ProxyNode


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    if not is_possible():
        pytest.skip("needs root and network namespaces")
    with network() as made:
        servers = [Server(made, pod, 8080) for pod in ("pod1", "pod2", "pod3")]
        try:
            yield made
        finally:
            for server in servers:
                server.close()


@pytest.fixture(params=["nftables", "iptables"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def node(net: Network, mode: str) -> Iterator[ProxyNode]:
    made = ProxyNode(net, mode)
    yield made
    made.run(made.writer.cleanup)


@pytest.fixture
def node2(net: Network, mode: str) -> Iterator[ProxyNode]:
    made = ProxyNode(net, mode, "node2", CONTEXT2)
    yield made
    made.run(made.writer.cleanup)
