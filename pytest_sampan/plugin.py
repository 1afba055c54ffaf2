"""The fixture, its marker and its option. Everything else is imported when a test asks for a cluster."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_sampan.cluster import Cluster
    from pytest_sampan.hosted import HostedCluster

NODES_HELP = "nodes of sampan_cluster: the number of hollow ones, 0 for API and controllers only, or docker"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("sampan_nodes", NODES_HELP, default="0")
    parser.getgroup("sampan").addoption("--sampan-nodes", metavar="NODES", help=NODES_HELP)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"sampan(nodes): {NODES_HELP}; overrides --sampan-nodes")


@pytest.fixture(scope="session")
def _sampan_clusters() -> Iterator[Callable[[int | str], HostedCluster]]:
    """A cluster for each number of nodes that tests ask for, started when the first one does."""
    from kubeadm.host import HostError
    from pytest_sampan.hosted import HostedCluster

    running: dict[int | str, HostedCluster] = {}
    failures: dict[int | str, str] = {}

    def cluster_with(nodes: int | str) -> HostedCluster:
        if nodes not in running:
            # In a short path: it has sockets in it, and their names may not be long.
            folder = Path(tempfile.mkdtemp(prefix="sampan-"))
            running[nodes] = HostedCluster(folder, nodes)
            try:
                running[nodes].start()
            except (HostError, TimeoutError) as error:
                failures[nodes] = f"sampan_cluster: {error}"
        if nodes in failures:
            pytest.fail(failures[nodes], pytrace=False)
        return running[nodes]

    yield cluster_with
    for each in running.values():
        each.stop()


@pytest.fixture
def sampan_cluster(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _sampan_clusters: Callable[[int | str], HostedCluster],
) -> Iterator[Cluster]:
    """A cluster as new, with a namespace of the test's own; KUBECONFIG leads there."""
    hosted = _sampan_clusters(_nodes(request))
    cluster = hosted.lend(request.node.name)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    yield cluster
    hosted.reset()


def _nodes(request: pytest.FixtureRequest) -> int | str:
    """What the nearest marker says, else the command line, else the configuration."""
    marker = request.node.get_closest_marker("sampan")
    config = request.config
    if marker and "nodes" not in marker.kwargs:
        raise pytest.UsageError("pytest.mark.sampan needs nodes=")
    said = marker.kwargs["nodes"] if marker else config.getoption("--sampan-nodes")
    wanted = str(config.getini("sampan_nodes") if said is None else said)
    if wanted != "docker" and not wanted.isdecimal():
        raise pytest.UsageError(f'sampan_nodes is a number or docker, not "{wanted}"')
    return wanted if wanted == "docker" else int(wanted)
