"""An engine that is absent, restarts or is shared, and what a restarted kubelet finds there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubelet.network.cleanup import cleanup_network
from kubelet.network.pod_network import PodNetwork
from kubelet.runtime.docker.cleanup import cleanup_node
from kubelet.runtime.docker.engine import DEFAULT_ENDPOINT
from kubelet.runtime.docker.log_links import LogLinks
from kubelet.runtime.docker.runtime import DockerRuntime
from kubelet.runtime.interface import RuntimeUnavailable
from tests.integration.runtime_twins import container, docker_node, new_docker_runtime, require_docker

pytestmark = pytest.mark.docker

SOCKET = "/var/run/docker.sock"


async def test_restarted_kubelet_finds_everything_again(node):
    uid, made = await node.start(container("sleep", "100", annotations={"k": "v"}))
    before = await node.pod(uid)
    again = new_docker_runtime(node.runtime._network.node)[0]
    await again.update_pod_cidr(node.runtime._network.pod_cidr)
    assert await again.get_pod(uid) == before
    taken = {again._network.take_address(str(each)) for each in range(3)}
    assert not taken & set(before.sandboxes[0].ips)
    assert (await again.exec_sync(made, ["true"], 60)).exit_code == 0
    await again.aclose()


async def test_nodes_that_share_an_engine_see_their_own_pods_only(node):
    async with docker_node() as other:
        uid, made = await node.start(container("sleep", "100"))
        theirs, _ = await other.start(container("httpd", "-f", "-h", "/etc"))
        assert set(await node.runtime.list_pods()) == {uid}
        assert set(await other.runtime.list_pods()) == {theirs}
        address = (await other.pod(theirs)).sandboxes[0].ips[0]
        script = f"until wget -qO- http://{address}/group 2>/dev/null; do sleep 0.1; done"
        answer = await node.runtime.exec_sync(made, ["sh", "-c", script], 60)
        assert answer.output.startswith(b"root:")


async def test_absent_engine_is_unavailable_and_says_where(tmp_path):
    runtime = DockerRuntime(PodNetwork("x"), endpoint=f"unix://{tmp_path}/none.sock")
    for call in (runtime.list_pods(), runtime.version(), runtime.stop_container("docker://a", 0)):
        with pytest.raises(RuntimeUnavailable, match=r"none\.sock"):
            await call
    with pytest.raises(RuntimeUnavailable):
        await anext(runtime.events())
    await runtime.aclose()


class Relay:
    """A socket before Docker's that can go away and come back, as a restarted dockerd does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self.server = await asyncio.start_unix_server(self._serve, self.path)

    async def stop(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        self.path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        docker_reader, docker_writer = await asyncio.open_unix_connection(SOCKET)
        self.writers |= {writer, docker_writer}
        await asyncio.gather(_pump(reader, docker_writer), _pump(docker_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return
    finally:
        writer.close()


async def test_engine_that_comes_back_is_found_again(tmp_path):
    require_docker()
    relay = Relay(tmp_path / "docker.sock")
    await relay.start()
    runtime = DockerRuntime(PodNetwork("test-relay"), endpoint=f"unix://{relay.path}")
    events = runtime.events()
    assert (await anext(events)).pod_uid == ""
    assert await runtime.list_pods() == {}
    await relay.stop()
    with pytest.raises(RuntimeUnavailable):
        await anext(events)
    with pytest.raises(RuntimeUnavailable):
        await runtime.list_pods()
    await relay.start()
    assert await runtime.list_pods() == {}
    await runtime.aclose()
    await relay.stop()


async def test_cleanup_leaves_nothing_of_the_node(node):
    await node.start(container("sleep", "100"))
    name = node.runtime._network.node
    removed = await cleanup_node(name, DEFAULT_ENDPOINT, LogLinks())
    assert any(each.startswith("k8s_POD_pod-1_ns_") for each in removed)
    assert await node.runtime.list_pods() == {}
    assert await asyncio.to_thread(cleanup_network, name) == []
    assert await cleanup_node(name, DEFAULT_ENDPOINT, LogLinks()) == []
