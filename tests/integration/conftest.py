"""Clusters that the tests of one module share."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from client.rest import Client
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.integration.plane import Plane


@pytest.fixture(scope="module")
def stopped_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed: apt-get install etcd-server")
    plane = Plane(tmp_path_factory.mktemp("plane"))
    try:
        yield plane
    finally:
        plane.stop()


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
