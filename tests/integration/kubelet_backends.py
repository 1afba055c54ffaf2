"""A kubelet that says what a test wants, registered with a running apiserver."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path

from tests.fakes.tls import tls_context
from tests.integration.connections import Streams, connected
from tests.integration.running_apiserver import Running

Respond = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def kubelet(
    pki: Path, respond: Respond, heads: list[bytes] | None = None, *, knows_clients: bool = True
) -> AsyncIterator[int]:
    """Listens with the kubelet's certificate; `respond` gets the request's first line and the streams."""

    connections = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if heads is not None:
                heads.append(head)
            await respond(head.split(b"\r\n")[0].decode(), reader, writer)
            writer.close()
            await writer.wait_closed()

    authorities = [pki / "ca.crt"] if knows_clients else []
    tls = tls_context(pki / "kubelet-serving.crt", pki / "kubelet-serving.key", authorities)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*filter(None, connections))


async def register(api: Running, port: int) -> None:
    """A node whose kubelet listens on `port`, and a pod on it."""
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    }
    spec = {
        "nodeName": "n1",
        "automountServiceAccountToken": False,
        "containers": [{"name": "c", "image": "busybox"}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec}
    async with api.client("admin") as admin:
        for path, obj in (
            ("/api/v1/nodes", node),
            ("/api/v1/namespaces/default/serviceaccounts", account),
            ("/api/v1/namespaces/default/pods", pod),
        ):
            answer = await admin.post(path, json=obj)
            assert answer.status_code == 201, answer.text


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n"


def client_tls(api: Running) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(api.pki / "ca.crt"))
    tls.load_cert_chain(api.pki / "admin.crt", api.pki / "admin.key")
    return tls


def connect(api: Running) -> AbstractAsyncContextManager[Streams]:
    host, port = api.url.removeprefix("https://").split(":")
    return connected(host, int(port), client_tls(api))


def upgrade(path: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "host: x", "connection: Upgrade", "upgrade: websocket", "", "")
    return "\r\n".join(lines).encode()
