"""What the apiserver passes on to kubelets: logs, streams, and HTTP to nodes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import websockets
from websockets.typing import Subprotocol

from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.integration.kubelet_backends import SWITCH, client_tls, connect, kubelet, register, upgrade
from tests.integration.running_apiserver import running

LOG = "/api/v1/namespaces/default/pods/web/log"


async def test_a_log_is_followed_as_it_is_written(pki: Path) -> None:
    go_on = asyncio.Event()

    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert line == "GET /containerLogs/default/web/c?follow=true&tailLines=1 HTTP/1.1"
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nfirst\n")
        await go_on.wait()
        writer.write(b"second\n")

    async with kubelet(pki, respond) as port, running(pki) as api, api.client("admin") as admin:
        await register(api, port)
        async with admin.stream("GET", LOG, params={"follow": "true", "tailLines": "1"}) as answer:
            lines = answer.aiter_lines()
            first = await anext(lines)
            go_on.set()
            second = await anext(lines)
    assert (first, second) == ("first", "second")


@pytest.mark.parametrize(
    ("protocol", "messages"),
    [
        pytest.param("binary.k8s.io", [b"", b"first\n"], id="bytes"),
        pytest.param("base64.binary.k8s.io", ["", "Zmlyc3QK"], id="base64"),
    ],
)
async def test_a_log_comes_in_messages(pki: Path, protocol: str, messages: list[bytes | str]) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nfirst\n")

    async with kubelet(pki, respond) as port, running(pki) as api:
        await register(api, port)
        url = api.url.replace("https", "wss") + LOG
        async with websockets.connect(
            url, ssl=client_tls(api), subprotocols=[Subprotocol(protocol)]
        ) as socket:
            assert [message async for message in socket] == messages
            assert (socket.subprotocol, socket.close_code) == (protocol, 1000)


async def test_what_a_kubelet_refuses_is_told(pki: Path) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        text = b'container "c" in pod "web" is waiting to start: ContainerCreating'
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%b" % (len(text), text))

    async with kubelet(pki, respond) as port, running(pki) as api, api.client("admin") as admin:
        await register(api, port)
        answer = await admin.get(LOG)
    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")
    assert answer.json()["message"].endswith("is waiting to start: ContainerCreating")


async def test_a_kubelet_that_is_not_there_is_an_internal_error(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        await register(api, 1)
        answer = await admin.get(LOG)
    assert answer.status_code == 500
    assert "dial tcp 127.0.0.1:1: connect: connection refused" in answer.json()["message"]


async def test_exec_is_a_tunnel_to_the_kubelet(pki: Path) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert line == "GET /exec/default/web/c?input=1&output=1&command=cat HTTP/1.1"
        writer.write(SWITCH + b"hello ")
        while data := await reader.read(100):
            writer.write(data.upper())

    async with kubelet(pki, respond) as port, running(pki) as api:
        await register(api, port)
        path = "/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=true&stdout=true"
        async with connect(api) as (reader, writer):
            writer.write(upgrade(path))
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(b"world")
            echoed = await reader.readexactly(len("hello WORLD"))
    assert head.startswith(b"HTTP/1.1 101 ")
    assert echoed == b"hello WORLD"


async def test_an_upgrade_that_is_refused_is_answered_and_closed(pki: Path) -> None:
    async with running(pki) as api, connect(api) as (reader, writer):
        writer.write(upgrade("/api/v1/namespaces/default/pods/ghost/exec?command=cat"))
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'pods \\"ghost\\" not found' in answer


async def test_a_node_is_proxied(pki: Path) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = line.encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async with kubelet(pki, respond) as port, running(pki) as api, api.client("admin") as admin:
        await register(api, port)
        answer = await admin.get("/api/v1/nodes/n1/proxy/stats/summary?only_cpu=1")
        bare = await admin.get("/api/v1/nodes/n1/proxy")
    assert answer.text == "GET /stats/summary?only_cpu=1 HTTP/1.1"
    assert (bare.status_code, bare.headers["location"]) == (301, "/api/v1/nodes/n1/proxy/")


async def test_protocols_of_a_stream_reach_the_kubelet_all(pki: Path) -> None:
    """kubectl names each on a line of its own."""
    asked: list[bytes] = []

    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nx-accepted: v4\r\ncontent-length: 2\r\n\r\nno")

    async with kubelet(pki, respond, asked) as port, running(pki) as api:
        await register(api, port)
        lines = (
            "POST /api/v1/namespaces/default/pods/web/portforward HTTP/1.1", "host: x", "content-length: 0",
            "connection: Upgrade", "upgrade: SPDY/3.1",
            "x-stream-protocol-version: v9", "x-stream-protocol-version: v8", "", "",
        )  # fmt: skip
        async with connect(api) as (reader, writer):
            writer.write("\r\n".join(lines).encode())
            answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"x-accepted: v4" in answer
    [head] = asked
    assert head.startswith(b"POST /portForward/default/web HTTP/1.1\r\n")
    assert b"x-stream-protocol-version: v9\r\nx-stream-protocol-version: v8" in head


@pytest.mark.parametrize(("skip", "status"), [(False, 500), (True, 200)])
async def test_a_log_may_be_had_whatever_the_kubelets_certificate_says(
    pki: Path, stranger: Path, skip: bool, status: int
) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    async with (
        kubelet(stranger, respond, knows_clients=False) as port,
        running(pki) as api,
        api.client("admin") as admin,
    ):
        await register(api, port)
        answer = await admin.get(f"{LOG}?insecureSkipTLSVerifyBackend={str(skip).lower()}")
    assert answer.status_code == status, answer.text


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of another cluster."""
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("other"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return config.pki
