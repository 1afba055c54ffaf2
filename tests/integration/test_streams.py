"""exec, attach and port-forward with each kubectl of this machine: SPDY before 1.31, then WebSockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.e2e.conftest import Kubectl
from tests.integration.docker_node import Node, docker_node
from tests.integration.kubectls import VERSIONS, Terminal, forwarding, kubectl_path

pytestmark = [pytest.mark.docker, pytest.mark.netns]

SERVE = """
mkdir /w; echo hello > /w/index.html
httpd -p 8080 -h /w; httpd -p 127.0.0.1:9090 -h /w
nc -ll -p 7070 -e wc -c &
exec sleep 100000
"""
PODS = {
    "web": [{"name": "c", "command": ["sh", "-c", SERVE]}],
    "reads": [
        {"name": "c", "stdin": True, "command": ["sh", "-c", "while read word; do echo got $word; done"]}
    ],
}


@asynccontextmanager
async def node_with_pods(folder: Path) -> AsyncIterator[Node]:
    async with docker_node(folder) as node:
        for name, containers in PODS.items():
            await node.run_pod(name, containers=[{"image": "busybox:local", **each} for each in containers])
        yield node


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a cluster whose pods are all ready."""
    with asyncio.Runner() as runner:
        context = node_with_pods(tmp_path_factory.mktemp("streams"))
        node = runner.run(context.__aenter__())
        try:
            yield node.plane.config.admin_kubeconfig
        finally:
            runner.run(context.__aexit__(None, None, None))


@pytest.fixture(params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, kubeconfig: Path) -> Kubectl:
    return Kubectl((str(kubectl_path(request.param)),), kubeconfig)


def test_exec_tells_stdout_stderr_and_exit_code_apart(kubectl: Kubectl) -> None:
    ran = kubectl.run("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (ran.returncode, ran.stdout) == (7, "out\n")
    assert ran.stderr == "err\ncommand terminated with exit code 7\n"


def test_exec_reads_stdin_to_its_end(kubectl: Kubectl) -> None:
    text = "".join(f"{number}\n" for number in range(200_000))
    assert kubectl("exec", "-i", "web", "--", "sh", "-c", "cat; echo end", stdin=text) == f"{text}end\n"


def test_exec_on_a_terminal_follows_its_size(kubectl: Kubectl) -> None:
    terminal = Terminal(
        [*kubectl.command, f"--kubeconfig={kubectl.kubeconfig}", "exec", "-it", "web", "--", "sh"], (33, 77)
    )
    terminal.type("until stty size | grep -q '33 77'; do :; done; echo fi''rst\n")
    terminal.expect("first")
    terminal.resize(44, 99)
    terminal.type("until stty size | grep -q '44 99'; do :; done; echo sec''ond; tty; exit 3\n")
    terminal.expect("second")
    terminal.expect("/dev/pts/")
    assert terminal.exit_code() == 3


def test_attach_ends_with_its_stdin(kubectl: Kubectl) -> None:
    attached = kubectl.run("attach", "-i", "reads", stdin="a\nb\n")
    assert attached.returncode == 0, attached.stderr
    assert kubectl("logs", "reads", "--tail=2") == "got a\ngot b\n"


def get(port: int) -> bytes:
    with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        return bytes(answer.read())


def test_port_forward_joins_many_connections_to_several_ports(kubectl: Kubectl) -> None:
    with forwarding(kubectl, "pod/web", ":8080", ":9090") as (ports, _), ThreadPoolExecutor(8) as pool:
        assert list(pool.map(get, ports * 8)) == [b"hello\n"] * 16


def test_port_forward_hands_on_a_half_closed_connection(kubectl: Kubectl) -> None:
    with (
        forwarding(kubectl, "web", ":7070") as ([port], _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        connection.makefile("rb") as answer,
    ):
        connection.sendall(bytes(3_000_000))
        connection.shutdown(socket.SHUT_WR)
        assert answer.read().strip() == b"3000000"


def test_port_forward_says_that_a_port_refuses(kubectl: Kubectl) -> None:
    with forwarding(kubectl, "web", ":8081") as ([port], process):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            assert connection.recv(1) == b""
        _, errors = process.communicate(timeout=10)
    assert "error forwarding port 8081 to pod" in errors
    assert "connect: connection refused" in errors
    assert "lost connection to pod" in errors, "what kubectl makes of it"
