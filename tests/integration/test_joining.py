"""A machine joins with a bootstrap token: its certificates come from a real controller-manager."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from apimachinery.bootstrap_tokens import CLUSTER_INFO, BootstrapToken, is_signed
from apimachinery.errors import ForbiddenError, StatusError, UnauthorizedError
from apimachinery.objects import Object
from apimachinery.scheme import (
    CERTIFICATE_SIGNING_REQUESTS,
    CLUSTER_ROLE_BINDINGS,
    CONFIG_MAPS,
    NODES,
    SECRETS,
)
from apimachinery.serialize import to_yaml
from apimachinery.well_known import KUBELET_SERVING
from client.rest import Client
from component_base.certificates import inspect, load_pair
from component_base.kubeconfig import load
from kubelet.certificates.bootstrap import ensure_kubeconfig
from kubelet.certificates.manager import CertificateManager
from kubelet.certificates.requests import Wanted
from kubelet.certificates.rotation import OF_CLIENT
from kubelet.certificates.store import CertificateStore
from tests.integration.connections import connected, hang_up
from tests.integration.plane import API, CONTROLLERS, LIMIT, Plane, eventually

TOKEN = BootstrapToken("abcdef", "0123456789abcdef")


@pytest.fixture(scope="module")
def plane(stopped_plane: Plane) -> Plane:
    """A control plane without nodes."""
    asyncio.run(stopped_plane.start())
    stopped_plane.run(CONTROLLERS)
    return stopped_plane


def token_secret(**values: str) -> Object:
    data = {
        "token-id": TOKEN.id,
        "token-secret": TOKEN.secret,
        "usage-bootstrap-authentication": "true",
        "usage-bootstrap-signing": "true",
        **{key.replace("_", "-"): value for key, value in values.items()},
    }
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "bootstrap.kubernetes.io/token",
        "metadata": {"name": f"bootstrap-token-{TOKEN.id}", "namespace": "kube-system"},
        "stringData": data,
    }


async def bind(client: Client, name: str, role: str, group: str) -> None:
    api = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": api, "kind": "Group", "name": group}],
    }
    await client.create(CLUSTER_ROLE_BINDINGS, binding)


@pytest.fixture
async def joinable(plane: Plane, client: Client) -> Client:
    """The cluster lets machines in that know the token."""
    with suppress(StatusError):
        await client.create(SECRETS, token_secret())
        await bind(client, "may-ask", "system:node-bootstrapper", "system:bootstrappers")
        approve = "system:certificates.k8s.io:certificatesigningrequests:"
        await bind(client, "approve-first", f"{approve}nodeclient", "system:bootstrappers")
        await bind(client, "approve-next", f"{approve}selfnodeclient", "system:nodes")
    return client


def bootstrap_kubeconfig(plane: Plane, folder: Path, token: object = TOKEN) -> str:
    ca = base64.b64encode((plane.config.pki / "ca.crt").read_bytes()).decode()
    config = {
        "clusters": [
            {"name": "c", "cluster": {"server": plane.config.server, "certificate-authority-data": ca}}
        ],
        "users": [{"name": "u", "user": {"token": str(token)}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "bootstrap.conf"
    path.write_text(to_yaml(config))
    return str(path)


def now() -> datetime:
    return datetime.now(UTC)


async def join(plane: Plane, folder: Path) -> Client:
    """As the kubelet of node n1 does it."""
    store = CertificateStore(folder / "pki", "kubelet-client")
    kubeconfig = folder / "kubelet.conf"
    bootstrap = bootstrap_kubeconfig(plane, folder)
    async with asyncio.timeout(LIMIT):
        await ensure_kubeconfig(bootstrap, kubeconfig, "n1", store, now())
    return Client(load(kubeconfig), user_agent="kubelet")


@asynccontextmanager
async def running(manager: CertificateManager) -> AsyncIterator[None]:
    task = asyncio.create_task(manager.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_machine_with_the_token_becomes_a_node(
    plane: Plane, joinable: Client, tmp_path: Path
) -> None:
    node = await join(plane, tmp_path)
    made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}
    assert (await node.create(NODES, made))["metadata"]["name"] == "n1"
    with pytest.raises(ForbiddenError):
        await node.list(SECRETS, "kube-system")
    certificate = await inspect((tmp_path / "pki/kubelet-client-current.pem").read_text())
    assert timedelta(days=364) < certificate.end - now() < timedelta(days=365)
    await node.aclose()


async def test_joining_again_asks_for_nothing(plane: Plane, joinable: Client, tmp_path: Path) -> None:
    await (await join(plane, tmp_path)).aclose()
    before = len((await joinable.list(CERTIFICATE_SIGNING_REQUESTS))["items"])
    await (await join(plane, tmp_path)).aclose()
    assert len((await joinable.list(CERTIFICATE_SIGNING_REQUESTS))["items"]) == before


async def test_a_wrong_token_gets_nowhere(plane: Plane, joinable: Client, tmp_path: Path) -> None:
    wrong = BootstrapToken(TOKEN.id, "fedcba9876543210")
    stranger = Client(load(bootstrap_kubeconfig(plane, tmp_path, wrong)), user_agent="test")
    with pytest.raises(UnauthorizedError):
        await stranger.list(CERTIFICATE_SIGNING_REQUESTS)
    await stranger.aclose()


async def test_a_node_renews_its_certificate_and_connects_with_the_new_one(
    plane: Plane, joinable: Client, tmp_path: Path
) -> None:
    node = await join(plane, tmp_path)
    store = CertificateStore(tmp_path / "pki", "kubelet-client")
    first = store.read()
    used: list[bytes] = []
    later = now() + timedelta(days=360)
    manager = CertificateManager(
        node, store, lambda: Wanted("n1", "kubernetes.io/kube-apiserver-client-kubelet"),
        lambda pem: (used.append(pem), node.use_certificate(pem))[0], lambda: later, random.Random(0),
        OF_CLIENT,
    )  # fmt: skip
    async with running(manager):
        await eventually(lambda: asyncio.sleep(0, len(used)), lambda count: count >= 2)
    assert store.read() != first
    assert used[0] == first.encode()
    assert (await node.get(NODES, "n1"))["metadata"]["name"] == "n1"
    seconds = REGISTRY.get_sample_value("kubelet_certificate_manager_client_ttl_seconds")
    assert seconds is not None
    assert 4 * 86400 < seconds < 6 * 86400, "a year less 360 days"
    await node.aclose()


async def test_a_node_gets_a_serving_certificate_for_its_own_addresses(
    plane: Plane, joinable: Client, tmp_path: Path
) -> None:
    node = await join(plane, tmp_path)
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    await joinable.patch(NODES, "n1", {"status": {"addresses": addresses}}, subresource="status")
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    got = asyncio.Event()

    def use(pem: bytes) -> None:
        load_pair(serving, pem)
        got.set()

    store = CertificateStore(tmp_path / "pki", "kubelet-server")
    wanted = Wanted("n1", KUBELET_SERVING, ("n1",), ("127.0.0.1",))
    manager = CertificateManager(node, store, lambda: wanted, use, now, random.Random(0), OF_CLIENT)
    async with running(manager), asyncio.timeout(LIMIT):
        await got.wait()
    await _check_serving(plane, serving)
    await node.aclose()


async def _check_serving(plane: Plane, serving: ssl.SSLContext) -> None:
    """A client that trusts the cluster's CA finds that it talks to the node."""
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    trusting = ssl.create_default_context(cafile=str(plane.config.pki / "ca.crt"))
    for host in ("127.0.0.1", "n1"):
        async with connected("127.0.0.1", port, trusting, name=host):
            pass
    server.close()


async def test_cluster_info_is_signed_by_every_token(plane: Plane, joinable: Client) -> None:
    info = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CLUSTER_INFO, "namespace": "kube-public"},
        "data": {"kubeconfig": "a text"},
    }
    await joinable.create(CONFIG_MAPS, info)

    async def signature() -> str:
        found = await joinable.get(CONFIG_MAPS, CLUSTER_INFO, "kube-public")
        return str(found["data"].get(f"jws-kubeconfig-{TOKEN.id}", ""))

    assert is_signed("a text", await eventually(signature), TOKEN)


async def test_an_expired_token_is_taken_away(plane: Plane, joinable: Client) -> None:
    await joinable.delete(SECRETS, f"bootstrap-token-{TOKEN.id}", "kube-system")
    soon = (now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await joinable.create(SECRETS, token_secret(expiration=soon))

    async def left() -> list[str]:
        listed = await joinable.list(SECRETS, "kube-system")
        return [each["metadata"]["name"] for each in listed["items"]]

    await eventually(left, lambda names: f"bootstrap-token-{TOKEN.id}" not in names)
    assert plane.is_running(API)
