"""A whole apiserver of this process on a real socket with TLS, over the store in memory or another."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from apiserver.assembly import ApiServer
from apiserver.auth.setup import client_certificates
from apiserver.options import Options
from apiserver.server import HttpServer
from apiserver.storage.interface import Storage
from apiserver.storage.memory import MemoryStorage
from tests.fakes.tls import tls_context

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
SELF_REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
PATIENCE = 120.0
"""Seconds that an answer may take of a server whose processor does much else."""


@dataclass
class Running:
    """An apiserver that answers, and the way to it."""

    server: ApiServer
    pki: Path
    url: str
    storage: Storage

    def client(self, who: str = "", token: str = "") -> httpx.AsyncClient:
        """With a component's certificate, with a token, or as nobody."""
        tls = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        if who:
            tls.load_cert_chain(self.pki / f"{who}.crt", self.pki / f"{who}.key")
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return httpx.AsyncClient(
            base_url=self.url, verify=tls, headers=headers, trust_env=False, timeout=PATIENCE
        )


@asynccontextmanager
async def running(
    pki: Path, *, port: int = 0, storage: Storage | None = None, **flags: Any
) -> AsyncIterator[Running]:
    options = Options(
        client_ca_file=str(pki / "ca.crt"),
        service_account_key_file=(str(pki / "sa.pub"),),
        service_account_signing_key_file=str(pki / "sa.key"),
        kubelet_certificate_authority=str(pki / "ca.crt"),
        kubelet_client_certificate=str(pki / "apiserver-kubelet-client.crt"),
        kubelet_client_key=str(pki / "apiserver-kubelet-client.key"),
        advertise_address="10.0.0.1",
        **{"authorization_mode": ("Node", "RBAC"), **flags},
    )
    storage = storage or MemoryStorage()
    server = ApiServer(options, storage)
    certificates = client_certificates(options)
    http = HttpServer(server.app, certificates)
    tls = tls_context(pki / "apiserver.crt", pki / "apiserver.key", certificates.authorities)
    port = await http.start("127.0.0.1", port, tls)
    work = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await server.start.finished.wait()
        yield Running(server, pki, f"https://127.0.0.1:{port}", storage)
    finally:
        await http.aclose(0.1)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def who_am_i(client: httpx.AsyncClient, **headers: str) -> tuple[str, list[str]]:
    """The name and groups that the server sees, or the status of its refusal."""
    question = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = await client.post(SELF_REVIEWS, json=question, headers=headers)
    if answer.status_code != 201:
        return str(answer.status_code), []
    user = answer.json()["status"]["userInfo"]
    return user["username"], user.get("groups", [])
