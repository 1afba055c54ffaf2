"""What the apiserver passes on: logs and streams of kubelets, and HTTP to nodes, pods and services."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
import websockets
from websockets.typing import Subprotocol

from apimachinery.objects import Object
from apiserver.server import tls_context
from component_base.addresses import primary_address
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.integration.running_apiserver import Running, running

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


SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\r\n"


async def test_exec_is_a_tunnel_to_the_kubelet(pki: Path) -> None:
    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert line == "GET /exec/default/web/c?input=1&output=1&command=cat HTTP/1.1"
        writer.write(SWITCH + b"hello ")
        while data := await reader.read(100):
            writer.write(data.upper())

    async with kubelet(pki, respond) as port, running(pki) as api:
        await register(api, port)
        reader, writer = await connect(api)
        path = "/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=true&stdout=true"
        writer.write(upgrade(path))
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"world")
        echoed = await reader.readexactly(len("hello WORLD"))
        writer.close()
        await writer.wait_closed()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert echoed == b"hello WORLD"


def client_tls(api: Running) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=str(api.pki / "ca.crt"))
    tls.load_cert_chain(api.pki / "admin.crt", api.pki / "admin.key")
    return tls


async def connect(api: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls = client_tls(api)
    host, port = api.url.removeprefix("https://").split(":")
    return await asyncio.open_connection(host, int(port), ssl=tls)


def upgrade(path: str) -> bytes:
    lines = (f"GET {path} HTTP/1.1", "host: x", "connection: Upgrade", "upgrade: websocket", "", "")
    return "\r\n".join(lines).encode()


async def test_an_upgrade_that_is_refused_is_answered_and_closed(pki: Path) -> None:
    async with running(pki) as api:
        reader, writer = await connect(api)
        writer.write(upgrade("/api/v1/namespaces/default/pods/ghost/exec?command=cat"))
        answer = await reader.read()
        writer.close()
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


class Backend:
    """An HTTP server in a pod, whose address is one of this machine's: loopback ones are not allowed."""

    def __init__(self) -> None:
        self.address = primary_address()
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        """Of each request the first line, the headers and the body."""
        self.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._serve, self.address, 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        start = await reader.readexactly(1)
        if start == b"\x16":  # TLS, which this is not
            writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
            writer.close()
            return
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((head[0], headers, body))
        writer.write(
            self.answer.replace(b"{host}", f"{self.address}:{writer.get_extra_info('sockname')[1]}".encode())
        )
        writer.close()
        await writer.wait_closed()


PROXY = "/api/v1/namespaces/default/pods/web:{port}/proxy"


@asynccontextmanager
async def proxied(pki: Path, backend: Backend) -> AsyncIterator[tuple[Running, int]]:
    """The pod web answers at the port, and stands behind the services web (80) and named (http)."""
    async with backend.serving() as port, running(pki) as api:
        await register(api, 1)
        status = {"podIP": backend.address, "podIPs": [{"ip": backend.address}]}
        target = {"kind": "Pod", "name": "web", "namespace": "default"}
        async with api.client("admin") as admin:
            patch = {"content-type": "application/merge-patch+json"}
            path = "/api/v1/namespaces/default/pods/web/status"
            await admin.patch(path, json={"status": status}, headers=patch)
            for name, port_name, address in (
                ("web", "", {"ip": backend.address, "targetRef": target}),
                ("named", "http", {"ip": backend.address, "targetRef": target}),
                ("handmade", "", {"ip": backend.address}),
            ):
                await add_service(admin, name, {"name": port_name, "port": 80}, address, port)
        yield api, port


async def add_service(
    admin: httpx.AsyncClient, name: str, service_port: Object, address: Object, port: int
) -> None:
    meta = {"metadata": {"name": name}}
    ports = [{"name": service_port["name"], "port": port}]
    for plural, obj in (
        ("services", {"kind": "Service", "spec": {"ports": [service_port]}}),
        ("endpoints", {"kind": "Endpoints", "subsets": [{"addresses": [address], "ports": ports}]}),
    ):
        answer = await admin.post(
            f"/api/v1/namespaces/default/{plural}", json={"apiVersion": "v1", **meta, **obj}
        )
        assert answer.status_code == 201, answer.text


async def test_a_pod_gets_the_request_as_it_is(pki: Path) -> None:
    backend = Backend()
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        headers = {"x-mine": "1", "authorization": "Bearer secret", "x-forwarded-for": "10.1.1.1"}
        path = PROXY.format(port=port)
        answer = await admin.request("PATCH", f"{path}/a%2Fb/?q=1&q=2", content=b"body", headers=headers)
    assert (answer.status_code, answer.text) == (200, "ok")
    [(line, got, body)] = backend.asked
    assert (line, body) == ("PATCH /a%2Fb/?q=1&q=2 HTTP/1.1", b"body")
    assert got["host"] == api.url.removeprefix("https://"), "virtual hosts want what the client said"
    assert got["x-forwarded-for"] == "10.1.1.1, 127.0.0.1"
    assert got["x-forwarded-uri"] == f"{path}/a%2Fb/"
    assert got["x-mine"] == "1"
    assert "authorization" not in got


async def test_every_method_passes_a_proxy(pki: Path) -> None:
    backend = Backend()
    methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        path = f"{PROXY.format(port=port)}/path"
        answers = [await admin.request(method, path) for method in methods]
    assert {answer.status_code for answer in answers} == {200}
    assert [line for line, _, _ in backend.asked] == [f"{method} /path HTTP/1.1" for method in methods]


async def test_a_redirect_leads_through_the_proxy(pki: Path) -> None:
    backend = Backend()
    backend.answer = b"HTTP/1.1 302 Found\r\nlocation: http://{host}/login/\r\ncontent-length: 0\r\n\r\n"
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        path = PROXY.format(port=port)
        answer = await admin.get(f"{path}/")
    assert (answer.status_code, answer.headers["location"]) == (302, f"{path}/login/")


async def test_links_of_a_page_lead_through_the_proxy(pki: Path) -> None:
    backend = Backend()
    page = b"<html><a href='/x'>\xe9</a><a href='y'></a></html>"
    backend.answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\naccess-control-allow-origin: *\r\n\r\n" + page
    )
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        path = PROXY.format(port=port)
        answer = await admin.get(f"{path}/")
    assert answer.content == f'<html><a href="{path}/x">'.encode() + b"\xe9</a><a href='y'></a></html>"
    assert "access-control-allow-origin" not in answer.headers


UNREACHABLE = "error trying to reach service: "


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("web", 200, "ok"),
        ("web:80", 200, "ok"),
        ("http:web:80", 200, "ok"),
        ("named:http", 200, "ok"),
        ("named:80", 200, "ok"),
        ("named", 503, 'no endpoints available for service "named"'),
        ("handmade", 503, 'no endpoints available for service "handmade"'),
        ("web:81", 503, 'no service port 81 found for service "web"'),
        ("none", 404, 'services "none" not found'),
        (
            "https:web:80",
            503,
            "error trying to reach service: http: server gave HTTP response to HTTPS client",
        ),
        ("a:b:c:d", 400, 'invalid service request "a:b:c:d"'),
    ],
)
async def test_a_service_leads_to_its_pods(pki: Path, name: str, status: int, text: str) -> None:
    async with proxied(pki, Backend()) as (api, _), api.client("admin") as admin:
        answer = await admin.get(f"/api/v1/namespaces/default/services/{name}/proxy/")
    assert answer.status_code == status
    assert (answer.text if status == 200 else answer.json()["message"]) == text


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("web:1", 503, f"{UNREACHABLE}dial tcp {{host}}:1: connect: connection refused"),
        ("none", 404, 'pods "none" not found'),
        ("ftp:web:1", 400, 'invalid pod request "ftp:web:1"'),
    ],
)
async def test_a_pod_that_cannot_be_reached_is_told(pki: Path, name: str, status: int, message: str) -> None:
    backend = Backend()
    async with proxied(pki, backend) as (api, _), api.client("admin") as admin:
        answer = await admin.get(f"/api/v1/namespaces/default/pods/{name}/proxy/")
    assert (answer.status_code, answer.json()["message"]) == (status, message.format(host=backend.address))


async def test_a_pod_that_hangs_up_is_told(pki: Path) -> None:
    backend = Backend()
    backend.answer = b""
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        answer = await admin.get(f"{PROXY.format(port=port)}/")
    assert (answer.status_code, answer.json()["message"]) == (503, "error trying to reach service: EOF")


async def test_an_answer_that_breaks_off_is_seen_to(pki: Path) -> None:
    backend = Backend()
    backend.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nok"
    async with proxied(pki, backend) as (api, port), api.client("admin") as admin:
        with pytest.raises(httpx.RemoteProtocolError):
            await admin.get(f"{PROXY.format(port=port)}/")


async def test_a_client_that_leaves_is_not_waited_for(pki: Path) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        began.set()
        await reader.read()
        ended.set()

    async with kubelet(pki, respond) as port, running(pki) as api:
        await register(api, port)
        admin = api.client("admin")
        asking = asyncio.create_task(admin.get("/api/v1/nodes/n1/proxy/never"))
        await began.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await admin.aclose()
        async with asyncio.timeout(30):
            await ended.wait()


async def test_a_pod_is_proxied_only_where_it_may_be(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        await register(api, 1)
        unborn = await admin.get("/api/v1/namespaces/default/pods/web/proxy/")
        node = await admin.get("/api/v1/nodes/n1:80/proxy/")
    for answer in (unborn, node):
        assert (answer.status_code, answer.json()["message"]) == (400, "address not allowed")


async def test_a_websocket_passes_through_the_proxy(pki: Path) -> None:
    backend = Backend()
    backend.answer = SWITCH + b"hello"
    async with proxied(pki, backend) as (api, port):
        reader, writer = await connect(api)
        writer.write(upgrade(f"{PROXY.format(port=port)}/socket"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await reader.read() == b"hello"
        writer.close()
    [(line, headers, _)] = backend.asked
    assert (line, headers["upgrade"]) == ("GET /socket HTTP/1.1", "websocket")


async def test_who_will_not_switch_is_passed_on(pki: Path) -> None:
    backend = Backend()
    backend.answer = b"HTTP/1.1 418 Teapot\r\nx-why: tea\r\ncontent-length: 3\r\n\r\nno!"
    async with proxied(pki, backend) as (api, port):
        reader, writer = await connect(api)
        writer.write(upgrade(f"{PROXY.format(port=port)}/socket"))
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 418 ")
    assert b"x-why: tea" in answer
    assert answer.endswith(b"no!")


async def test_protocols_of_a_stream_reach_the_kubelet_all(pki: Path) -> None:
    """kubectl names each on a line of its own."""
    asked: list[bytes] = []

    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 403 Forbidden\r\nx-accepted: v4\r\ncontent-length: 2\r\n\r\nno")

    async with kubelet(pki, respond, asked) as port, running(pki) as api:
        await register(api, port)
        reader, writer = await connect(api)
        lines = (
            "POST /api/v1/namespaces/default/pods/web/portforward HTTP/1.1", "host: x", "content-length: 0",
            "connection: Upgrade", "upgrade: SPDY/3.1",
            "x-stream-protocol-version: v9", "x-stream-protocol-version: v8", "", "",
        )  # fmt: skip
        writer.write("\r\n".join(lines).encode())
        answer = await reader.read()
        writer.close()
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
