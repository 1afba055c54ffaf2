"""The whole apiserver on a real socket with TLS, over the store in memory: users, rights, streams, life."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from apimachinery.objects import Object
from apiserver.app import ApiServer, build_app
from apiserver.options import Options
from apiserver.server import HttpServer, tls_context
from apiserver.storage.memory import MemoryStorage
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = ClusterConfig(state_dir=tmp_path_factory.mktemp("cluster"), node_name="n1", node_ip="127.0.0.1")
    ensure_pki(config)
    return config.pki


@dataclass
class Running:
    """An apiserver that answers, and the way to it."""

    server: ApiServer
    pki: Path
    url: str

    def client(self, who: str = "", token: str = "") -> httpx.AsyncClient:
        """With a component's certificate, with a token, or as nobody."""
        tls = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        if who:
            tls.load_cert_chain(self.pki / f"{who}.crt", self.pki / f"{who}.key")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(base_url=self.url, verify=tls, headers=headers, trust_env=False)


@asynccontextmanager
async def running(pki: Path, **flags: Any) -> AsyncIterator[Running]:
    options = Options(
        authorization_mode=("Node", "RBAC"),
        client_ca_file=str(pki / "ca.crt"),
        service_account_key_file=(str(pki / "sa.pub"),),
        service_account_signing_key_file=str(pki / "sa.key"),
        kubelet_certificate_authority=str(pki / "ca.crt"),
        kubelet_client_certificate=str(pki / "apiserver-kubelet-client.crt"),
        kubelet_client_key=str(pki / "apiserver-kubelet-client.key"),
        advertise_address="10.0.0.1",
        **flags,
    )
    server = build_app(options, MemoryStorage())
    http = HttpServer(server.app)
    tls = tls_context(pki / "apiserver.crt", pki / "apiserver.key", pki / "ca.crt")
    port = await http.start("127.0.0.1", 0, tls)
    work = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(20):
            await server.start.finished.wait()
        yield Running(server, pki, f"https://127.0.0.1:{port}")
    finally:
        await http.aclose(0.1)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def test_a_new_cluster_has_what_everybody_expects(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        namespaces = (await admin.get("/api/v1/namespaces")).json()["items"]
        names = [each["metadata"]["name"] for each in namespaces]
        service = (await admin.get("/api/v1/namespaces/default/services/kubernetes")).json()
        endpoints = (await admin.get("/api/v1/namespaces/default/endpoints/kubernetes")).json()
        ready = await admin.get("/readyz")
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert service["spec"]["clusterIP"] == "10.0.0.1"
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "10.0.0.1"}]
    assert (ready.status_code, ready.text) == (200, "ok")


async def test_users_come_from_certificates_and_may_what_their_roles_say(pki: Path) -> None:
    async with running(pki) as api:
        answers = {}
        for who in ("admin", "scheduler", "kubelet", ""):
            async with api.client(who) as client:
                me = await client.post(
                    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    json={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
                )
                name = me.json()["status"]["userInfo"]["username"] if me.status_code == 201 else ""
                pods, secrets = await client.get("/api/v1/pods"), await client.get("/api/v1/secrets")
                answers[who] = (name, pods.status_code, secrets.status_code)
    assert answers == {
        "admin": ("kubernetes-admin", 200, 200),
        "scheduler": ("system:kube-scheduler", 200, 403),
        "kubelet": ("system:node:n1", 200, 403),
        "": ("", 403, 403),
    }


async def test_a_service_account_acts_with_its_token(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
        await admin.post("/api/v1/namespaces/default/serviceaccounts", json=account)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        made = await admin.post("/api/v1/namespaces/default/serviceaccounts/robot/token", json=request)
        token = made.json()["status"]["token"]
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "robot"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
        }
        async with api.client(token=token) as robot:
            before = await robot.get(CONFIG_MAPS)
            path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
            assert (await admin.post(path, json=binding)).status_code == 201
            after = await robot.get(CONFIG_MAPS)
            written = await robot.post(CONFIG_MAPS, json=config_map("a"))
        keys = (await admin.get("/openid/v1/jwks")).json()["keys"]
    assert (before.status_code, after.status_code, written.status_code) == (403, 200, 403)
    header = orjson.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["kid"] == keys[0]["kid"]


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_a_bad_certificate_is_refused_by_tls(pki: Path, tmp_path: Path) -> None:
    other = ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="127.0.0.1")
    ensure_pki(other)
    async with running(pki) as api:
        stranger = Running(api.server, pki, api.url)
        tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        tls.load_cert_chain(other.pki / "admin.crt", other.pki / "admin.key")
        async with httpx.AsyncClient(base_url=stranger.url, verify=tls, trust_env=False) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/version")


async def test_writes_are_in_the_journal_with_their_cause(pki: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "sampan=12"}
    async with running(pki, write_journal=str(path)) as api, api.client("admin") as admin:
        made = await admin.post(CONFIG_MAPS, json=config_map("a"), headers=headers)
        shown = await admin.get("/debug/journal", params={"name": "a"})
    record = orjson.loads(shown.text)
    revision = int(made.json()["metadata"]["resourceVersion"])
    assert (record["revision"], record["verb"], record["user"]) == (revision, "create", "kubernetes-admin")
    assert (record["trace"], record["causes"]) == ("a" * 32, ["12"])
    assert orjson.loads(path.read_text().splitlines()[-1]) == record


async def test_a_path_that_leads_nowhere_tells_those_that_lead_somewhere(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        nowhere, group = await admin.get("/nowhere"), await admin.get("/apis/nowhere.example.com")
    assert (nowhere.status_code, "/readyz/etcd" in nowhere.json()["paths"]) == (404, True)
    assert (group.status_code, group.text) == (404, "404 page not found\n")


async def test_discovery_is_sent_once(pki: Path) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    async with running(pki) as api, api.client("admin") as admin:
        first = await admin.get("/apis", headers={"accept": accept})
        again = await admin.get("/apis", headers={"accept": accept, "if-none-match": first.headers["etag"]})
    assert (first.headers["content-type"], again.status_code) == (accept, 304)


async def test_requests_are_counted(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        await admin.get(CONFIG_MAPS)
        samples = [each for family in api.server.metrics.collect() for each in family.samples]
    found = [each for each in samples if each.name == "apiserver_request_total"]
    labels = {"verb": "LIST", "resource": "configmaps", "scope": "namespace", "code": "200"}
    assert [each.value for each in found if labels.items() <= each.labels.items()] == [1]


# A kubelet that says what it was asked

Respond = Callable[[str, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def kubelet(pki: Path, respond: Respond) -> AsyncIterator[int]:
    """Listens with the kubelet's certificate; `respond` gets the request's first line and the streams."""

    connections = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.current_task())
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            await respond(head.split(b"\r\n")[0].decode(), reader, writer)
            writer.close()
            await writer.wait_closed()

    tls = tls_context(pki / "kubelet-serving.crt", pki / "kubelet-serving.key", pki / "ca.crt")
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


async def connect(api: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    tls = ssl.create_default_context(cafile=str(api.pki / "ca.crt"))
    tls.load_cert_chain(api.pki / "admin.crt", api.pki / "admin.key")
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


async def test_a_watch_ends_when_the_server_does(pki: Path) -> None:
    async with running(pki) as api:
        client = api.client("admin")
        async with client.stream("GET", CONFIG_MAPS, params={"watch": "1"}) as answer:
            assert answer.status_code == 200
    await client.aclose()
