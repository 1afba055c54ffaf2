"""The pod network with real packets: out of the cluster, host ports, the pod itself."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kubelet.runtime.interface import HostPort
from pytest_sampan.ports import free_port
from tests.integration.runtime_twins import container, new_docker_runtime

pytestmark = [pytest.mark.docker, pytest.mark.netns]


@pytest.fixture
def outside() -> Iterator[str]:
    """The address of a machine that knows this one, but no pods, and tells callers who they are."""
    number = random.randrange(64) * 4
    name, here, there = f"smpt{number}", f"198.51.100.{number + 1}", f"198.51.100.{number + 2}"
    commands = [
        f"ip netns add {name}",
        f"ip link add {name} type veth peer name eth0 netns {name}",
        f"ip addr add {here}/30 dev {name}",
        f"ip link set {name} up",
        f"ip -n {name} addr add {there}/30 dev eth0",
        f"ip -n {name} link set eth0 up",
    ]
    for command in commands:
        subprocess.run(command.split(), check=True)
    server = subprocess.Popen(
        ["ip", "netns", "exec", name, sys.executable, "-c", _SAY_WHO_CALLS, there], stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    server.stdout.readline()
    yield there
    server.kill()
    server.communicate()
    subprocess.run(["ip", "netns", "del", name], check=True)


_SAY_WHO_CALLS = """
import socket, sys
with socket.create_server((sys.argv[1], 80)) as server:
    print("ready", flush=True)
    while True:
        caller, address = server.accept()
        caller.sendall(address[0].encode())
        caller.close()
"""


async def fetch(address: str, port: int = 80) -> str:
    """The body of /group; tried until something answers, for containers start before they listen."""
    async with asyncio.timeout(120):
        while True:
            try:
                reader, writer = await asyncio.open_connection(address, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.write(b"GET /group HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.decode().partition("\r\n\r\n")[2]


HTTPD = container("httpd", "-f", "-p", "80", "-h", "/etc")


async def test_pod_is_reached_from_the_host_and_from_another_pod(node):
    uid, _ = await node.start(HTTPD)
    _, caller = await node.start(container("sleep", "100"))
    address = (await node.pod(uid)).sandboxes[0].ips[0]
    assert (await fetch(address)).startswith("root:")
    answer = await node.runtime.exec_sync(caller, ["wget", "-qO-", f"http://{address}/group"], 60)
    assert answer.output.startswith(b"root:")


async def test_pod_reaches_machines_that_know_nothing_of_pods(node, outside):
    _, caller = await node.start(container("sleep", "100"))
    answer = await node.runtime.exec_sync(caller, ["nc", "-w", "20", outside, "80"], 60)
    assert answer.output.decode() == outside.rpartition(".")[0] + f".{int(outside.rpartition('.')[2]) - 1}"


@pytest.mark.parametrize("host_ip", ["", "127.0.0.1"])
async def test_host_port_leads_to_the_pod_until_it_ends(node, host_ip):
    port = free_port()
    uid, _ = await node.start(HTTPD, host_ports=(HostPort(80, port, "TCP", host_ip),))
    assert (await fetch("127.0.0.1", port)).startswith("root:")
    await node.runtime.stop_sandbox((await node.pod(uid)).sandboxes[0].id)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_pod_reaches_itself_by_its_host_port(node):
    port = free_port()
    uid, made = await node.start(HTTPD, host_ports=(HostPort(80, port),))
    await fetch("127.0.0.1", port)  # it listens
    gateway = (await node.pod(uid)).sandboxes[0].ips[0].rpartition(".")[0] + ".1"
    answer = await node.runtime.exec_sync(made, ["wget", "-qO-", f"http://{gateway}:{port}/group"], 60)
    assert answer.output.startswith(b"root:")


async def test_host_port_survives_a_restart_of_the_kubelet(node):
    port = free_port()
    await node.start(HTTPD, host_ports=(HostPort(80, port),))
    again = new_docker_runtime(node.runtime._network.node)[0]
    await again.update_pod_cidr(node.runtime._network.pod_cidr)
    assert (await fetch("127.0.0.1", port)).startswith("root:")
    await again.aclose()
