"""Clusters that the tests of one module share, and nodes of one test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from client.rest import Client
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.integration.plane import NO_FLAGS, Flags, Plane, plane_in
from tests.integration.runtime_twins import Node, docker_node, require_docker

LONGEST = (
    "test_plane_faults", "test_apps", "test_runtime_docker", "test_controllers", "test_runtime_contract",
    "test_storage", "test_scheduler", "test_dns", "test_etcd_failover", "test_pytest_plugin",
    "test_etcd_trouble", "test_lost_node",
)  # fmt: skip
"""Modules to begin with, so that in the end no worker is left alone with one of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="module")
def plane_flags() -> Flags:
    """More of them, for a module that says so."""
    return NO_FLAGS


@pytest.fixture(scope="module")
def stopped_plane(tmp_path_factory: pytest.TempPathFactory, plane_flags: Flags) -> Iterator[Plane]:
    with plane_in(tmp_path_factory.mktemp("plane"), flags=plane_flags) as plane:
        yield plane


@pytest.fixture(scope="module")
def bare_plane(stopped_plane: Plane) -> Plane:
    """Only etcd and an apiserver run."""
    asyncio.run(stopped_plane.start())
    return stopped_plane


@pytest.fixture(scope="module")
def plane(stopped_plane: Plane) -> Plane:
    """A control plane and three hollow nodes."""
    asyncio.run(stopped_plane.run_all())
    return stopped_plane


@pytest.fixture
async def client(stopped_plane: Plane) -> AsyncIterator[Client]:
    """The administrator's; name it after the plane."""
    client = stopped_plane.client()
    yield client
    await client.aclose()


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("cluster"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return config.pki


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    """On the real engine, without a kubelet."""
    require_docker()
    async with docker_node() as made:
        yield made
