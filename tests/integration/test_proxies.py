"""Pods and Services behind the proxy of a running apiserver."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from apimachinery.objects import Object
from component_base.addresses import primary_address
from tests.integration.connections import hang_up
from tests.integration.kubelet_backends import SWITCH, connect, kubelet, register, upgrade
from tests.integration.running_apiserver import Running, running


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
            await hang_up(reader, writer)
            return
        head = (start + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name: value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((head[0], headers, body))
        writer.write(
            self.answer.replace(b"{host}", f"{self.address}:{writer.get_extra_info('sockname')[1]}".encode())
        )
        await hang_up(reader, writer)


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
        async with asyncio.timeout(120):
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
    async with proxied(pki, backend) as (api, port), connect(api) as (reader, writer):
        writer.write(upgrade(f"{PROXY.format(port=port)}/socket"))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await reader.read() == b"hello"
    [(line, headers, _)] = backend.asked
    assert (line, headers["upgrade"]) == ("GET /socket HTTP/1.1", "websocket")


async def test_who_will_not_switch_is_passed_on(pki: Path) -> None:
    backend = Backend()
    backend.answer = b"HTTP/1.1 418 Teapot\r\nx-why: tea\r\ncontent-length: 3\r\n\r\nno!"
    async with proxied(pki, backend) as (api, port), connect(api) as (reader, writer):
        writer.write(upgrade(f"{PROXY.format(port=port)}/socket"))
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 418 ")
    assert b"x-why: tea" in answer
    assert answer.endswith(b"no!")
