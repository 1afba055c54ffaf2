"""An API of another server: found by its APIService, asked in the user's name, missed when it is away."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from apiserver.auth.authenticator import CLIENT
from apiserver.auth.x509 import ClientCertificates
from apiserver.server import HttpServer
from apiserver.storage.interface import StorageUnreachable
from component_base.addresses import primary_address
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.fakes.tls import tls_context
from tests.integration.running_apiserver import AGGREGATED, PATIENCE, Running, running

GROUP_VERSION = "metrics.k8s.io/v1beta1"
PATH = f"/apis/{GROUP_VERSION}"
NODES = {
    "name": "nodes",
    "kind": "NodeMetrics",
    "namespaced": False,
    "singularName": "",
    "verbs": ["get", "list"],
}


@dataclass
class Extension:
    """The other server; its certificate is of an authority of its own."""

    pki: Path
    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    breaks_off: bool = False
    """In the midst of what it tells of itself."""

    @property
    def ca_bundle(self) -> str:
        return base64.b64encode((self.pki / "ca.crt").read_bytes()).decode()

    def app(self) -> FastAPI:
        app = FastAPI(openapi_url=None)

        @app.get(PATH)
        async def discovery() -> Any:
            if self.breaks_off:
                return StreamingResponse(broken_off())
            return {"kind": "APIResourceList", "groupVersion": GROUP_VERSION, "resources": [NODES]}

        @app.get("/openapi/v3")
        async def index() -> Any:
            return {"paths": {PATH[1:]: {"serverRelativeURL": f"/openapi/v3{PATH}?hash=7"}}}

        @app.get("/openapi/v2")
        async def swagger() -> Any:
            answer = {"200": {"schema": {"$ref": "#/definitions/NodeMetricsList"}}}
            other = {f"{PATH}/nodes": {"get": {"responses": answer}}, "/version": {}}
            return {"paths": other, "definitions": {"NodeMetricsList": {"type": "object"}, "Other": {}}}

        @app.api_route("/{path:path}", methods=["GET", "POST"])
        async def anything(path: str, request: Request) -> Response:
            front = request.scope["extensions"][CLIENT].user
            headers = {**request.headers, "front": front.name}
            self.asked.append((f"{request.method} /{path}?{request.url.query}", headers))
            return Response(await request.body() or b'{"kind":"NodeMetricsList"}', 418, {"x-own": "yes"})

        return app


async def broken_off() -> AsyncIterator[bytes]:
    yield b"{"
    raise ConnectionError("broken off by the test")


@asynccontextmanager
async def extension(folder: Path, front_proxy_ca: Path) -> AsyncIterator[Extension]:
    names = ("metrics.default.svc",)
    config = ClusterConfig(state_dir=folder, node_name="x", node_ip="127.0.0.1", extra_names=names)
    ensure_pki(config)
    it = Extension(config.pki)
    server = HttpServer(it.app(), ClientCertificates(users=front_proxy_ca))
    tls = tls_context(it.pki / "apiserver.crt", it.pki / "apiserver.key", [front_proxy_ca])
    it.port = await server.start("0.0.0.0", 0, tls)
    try:
        yield it
    finally:
        await server.aclose(0.1)


def api_service(it: Extension, **spec: Any) -> dict[str, Any]:
    reference = {"namespace": "default", "name": "metrics", "port": 443}
    priorities = {"groupPriorityMinimum": 100, "versionPriority": 100}
    group, version = GROUP_VERSION.split("/")
    body = {"group": group, "version": version, "service": reference, "caBundle": it.ca_bundle}
    return {"metadata": {"name": f"{version}.{group}"}, "spec": {**body, **priorities, **spec}}


def service(it: Extension) -> tuple[dict[str, Any], dict[str, Any]]:
    ports = [{"port": 443, "targetPort": it.port}]
    slice_ = {
        "metadata": {"name": "metrics-1", "labels": {"kubernetes.io/service-name": "metrics"}},
        "addressType": "IPv4",
        "ports": [{"name": "", "port": it.port}],
        "endpoints": [{"addresses": [primary_address()]}],
    }
    return {"metadata": {"name": "metrics"}, "spec": {"ports": ports}}, slice_


SERVICES = "/api/v1/namespaces/default/services"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"


async def availability(admin: httpx.AsyncClient, name: str = "v1beta1.metrics.k8s.io") -> str:
    found = (await admin.get(f"{API_SERVICES}/{name}")).json()
    conditions = found.get("status", {}).get("conditions") or [{}]
    return str(conditions[0].get("reason", ""))


async def until_available(admin: httpx.AsyncClient, reason: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while await availability(admin) != reason:  # noqa: ASYNC110 - the state is the server's
            await asyncio.sleep(0.05)


@asynccontextmanager
async def served(pki: Path, folder: Path) -> AsyncIterator[tuple[Running, Extension, httpx.AsyncClient]]:
    """An apiserver, the extension, and its APIService, which is available."""
    flags = {
        "requestheader_client_ca_file": str(pki / "front-proxy-ca.crt"),
        "proxy_client_cert_file": str(pki / "front-proxy-client.crt"),
        "proxy_client_key_file": str(pki / "front-proxy-client.key"),
    }
    async with (
        running(pki, **flags) as here,
        extension(folder, pki / "front-proxy-ca.crt") as it,
        here.client("apiserver-kubelet-client") as admin,
    ):
        body, slice_ = service(it)
        assert (await admin.post(API_SERVICES, json=api_service(it))).status_code == 201
        await until_available(admin, "ServiceNotFound")
        assert (await admin.get(f"{PATH}/nodes")).status_code == 503
        assert (await admin.post(SERVICES, json=body)).status_code == 201
        await until_available(admin, "EndpointsNotFound")
        assert (await admin.post(SLICES, json=slice_)).status_code == 201
        await until_available(admin, "Passed")
        yield here, it, admin


async def test_requests_are_passed_on_in_the_users_name(pki: Path, tmp_path: Path) -> None:
    async with served(pki, tmp_path) as (_, it, admin):
        headers = {"impersonate-user": "ann", "impersonate-group": "system:masters", "x-remote-user": "root"}
        answer = await admin.post(f"{PATH}/nodes?a=b%2Fc", content=b"body", headers=headers)
        assert (answer.status_code, answer.content, answer.headers["x-own"]) == (418, b"body", "yes")
        asked, seen = it.asked[-1]
        assert asked == f"POST {PATH}/nodes?a=b%2Fc"
        assert (seen["x-remote-user"], seen["front"]) == ("ann", "front-proxy-client")
        assert "system:masters" in seen["x-remote-group"]
        assert not {"impersonate-user", "authorization"} & seen.keys()
        assert (await admin.get(f"{PATH}/nodes", headers={"impersonate-user": "bob"})).status_code == 403


async def test_discovery_and_openapi_tell_of_it(pki: Path, tmp_path: Path) -> None:
    async with served(pki, tmp_path) as (_, _, admin):
        groups = (await admin.get("/apis")).json()["groups"]
        assert groups[-1]["preferredVersion"]["groupVersion"] == GROUP_VERSION
        assert (await admin.get("/apis/metrics.k8s.io")).json()["name"] == "metrics.k8s.io"
        assert (await admin.get(PATH)).json()["resources"] == [NODES]
        items = (await admin.get("/apis", headers={"accept": AGGREGATED})).json()["items"]
        assert items[-1]["versions"][0]["freshness"] == "Current"
        assert items[-1]["versions"][0]["resources"][0]["resource"] == "nodes"
        paths = (await admin.get("/openapi/v3")).json()["paths"]
        assert paths[PATH[1:]]["serverRelativeURL"] == f"/openapi/v3{PATH}?hash=7"
        assert (await admin.get(paths[PATH[1:]]["serverRelativeURL"])).status_code == 418
        v2 = (await admin.get("/openapi/v2")).json()
        assert list(v2["paths"][f"{PATH}/nodes"]) == ["get"]
        assert v2["definitions"]["NodeMetricsList"] == {"type": "object"}
        assert "Other" not in v2["definitions"]


async def test_who_shows_a_wrong_certificate_is_not_asked(pki: Path, tmp_path: Path) -> None:
    async with served(pki, tmp_path) as (here, it, admin):
        wrong = base64.b64encode((pki / "ca.crt").read_bytes()).decode()
        patch = {"spec": {"caBundle": wrong}}
        headers = {"content-type": "application/merge-patch+json"}
        name = f"{API_SERVICES}/v1beta1.metrics.k8s.io"
        assert (await admin.patch(name, json=patch, headers=headers)).status_code == 200
        await until_available(admin, "FailedDiscoveryCheck")
        assert here.server.api_services.became_unavailable == {
            ("v1beta1.metrics.k8s.io", "FailedDiscoveryCheck"): 1
        }
        assert (await admin.get(f"{PATH}/nodes")).text == "service unavailable\n"
        assert (await admin.delete(name)).status_code == 200
        async with asyncio.timeout(PATIENCE):
            while (await admin.get(f"{PATH}/nodes")).status_code != 200:  # noqa: ASYNC110 - our own
                await asyncio.sleep(0.05)
        assert not it.asked


async def test_a_server_that_breaks_off_is_missed_whatever_else_goes_wrong(
    pki: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away just when that is to be noted."""
    async with served(pki, tmp_path) as (here, it, admin):
        keeper, failures = here.server.api_services, [StorageUnreachable("away")]
        change = keeper._change

        async def change_or_fail(*arguments: Any) -> None:
            if failures:
                raise failures.pop()
            await change(*arguments)

        monkeypatch.setattr(keeper, "_change", change_or_fail)
        it.breaks_off = True
        ready = {"endpoints": [{"addresses": [primary_address()], "conditions": {"ready": True}}]}
        headers = {"content-type": "application/merge-patch+json"}
        assert (await admin.patch(f"{SLICES}/metrics-1", json=ready, headers=headers)).status_code == 200
        await until_available(admin, "FailedDiscoveryCheck")
        assert not failures


async def test_what_is_served_here_has_api_services_too(pki: Path) -> None:
    async with running(pki) as here, here.client("apiserver-kubelet-client") as admin:
        async with asyncio.timeout(PATIENCE):
            while len((await admin.get(API_SERVICES)).json()["items"]) < 20:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert await availability(admin, "v1.apps") == "Local"
        table = await admin.get(
            f"{API_SERVICES}/v1.apps", headers={"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
        )
        assert table.json()["rows"][0]["cells"][:3] == ["v1.apps", "Local", "True"]
