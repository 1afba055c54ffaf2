"""The apiserver as controller-runtime's envtest starts it: flags, an etcd and a folder, nothing else."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from pytest_sampan.ports import free_port
from tests.fakes.etcd_server import EtcdServer

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    url: str
    certificate: Path
    """Which it has made for itself."""

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def is_healthy(self) -> bool:
        """Also to nobody in particular, as envtest asks."""
        with suppress(OSError, httpx.TransportError):
            return httpx.get(f"{self.url}/healthz", verify=self.trusting(), trust_env=False).is_success
        return False


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdServer]:
    server = EtcdServer(tmp_path)
    server.start()
    yield server
    server.stop()


def flags(etcd: EtcdServer, port: int, folder: Path, pki: Path) -> list[str]:
    """Those that envtest has by default; its authority of clients signs tokens, too."""
    return [
        f"--etcd-servers={etcd.endpoint}",
        f"--cert-dir={folder}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        f"--service-account-issuer=https://127.0.0.1:{port}/",
        f"--service-account-key-file={pki / 'ca.crt'}",
        f"--service-account-signing-key-file={pki / 'ca.key'}",
    ]


@pytest.fixture
def server(etcd: EtcdServer, tmp_path: Path, pki: Path) -> Iterator[Server]:
    port, folder = free_port(), tmp_path / "certificates"
    command = [sys.executable, "-P", "-m", "apiserver", *flags(etcd, port, folder, pki)]
    process = subprocess.Popen(command, cwd=tmp_path)
    yield Server(f"https://127.0.0.1:{port}", folder / "apiserver.crt")
    process.kill()
    process.wait()


async def test_an_apiserver_as_envtest_starts_it(server: Server, pki: Path) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not server.is_healthy():  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.05)
    tls = server.trusting()
    tls.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    async with httpx.AsyncClient(base_url=server.url, verify=tls, trust_env=False) as client:
        pods = await client.get("/api/v1/namespaces/default/pods")
    assert (pods.status_code, pods.json()["items"]) == (200, [])
