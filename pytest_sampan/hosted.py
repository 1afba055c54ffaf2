"""One cluster that runs for as long as a test session: with hollow nodes, with this machine, or with none."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from apimachinery import conditions, scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object, annotations_of
from apimachinery.serialize import from_yaml_all
from apiserver.storage.etcd import EtcdStorage
from client.rest import Client
from component_base.addresses import primary_address
from kubeadm import kubeconfigs, supervisor
from kubeadm.components import components
from kubeadm.config import DEFAULT_STATE_DIR, ClusterConfig, default_node_name
from kubeadm.down import clean_up
from kubeadm.engine import ensure_engine
from kubeadm.host import PROGRAMS, HostError, explain, missing, require_root
from pytest_sampan import snapshot
from pytest_sampan.background import BackgroundLoop
from pytest_sampan.cluster import Cluster
from pytest_sampan.control_plane import ControlPlane, on_free_ports
from pytest_sampan.ports import free_port

DOCKER = "docker"
READY_SECONDS = 60.0
FIRST_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")
AGGREGATED = ("admin", "edit", "view")
POD_CIDR = "10.245.0.0/16"
TTL = "node.alpha.kubernetes.io/ttl"


class HostedCluster:
    """`nodes` is the number of hollow ones, or "docker": then this machine is the node.

    Raises HostError where the machine lacks something, TimeoutError where a daemon does not get ready.
    """

    def __init__(self, folder: Path, nodes: int | str) -> None:
        self._plane = ControlPlane(_config(folder, nodes))
        self._nodes = nodes
        self._loop = BackgroundLoop()
        self._client: Client | None = None
        self._storage: EtcdStorage | None = None
        self._before: snapshot.Stored = {}

    def start(self) -> None:
        """Until everything is there that a new cluster has, which is what `reset` goes back to."""
        self._check()
        try:
            self._loop.run(self._start())
        except TimeoutError:
            raise TimeoutError(self._plane.trouble() or "it does not get ready") from None

    def _check(self) -> None:
        lacking = missing(PROGRAMS if self._nodes == DOCKER else PROGRAMS[:1])
        if lacking:
            raise HostError(explain(lacking))
        if self._nodes == DOCKER:
            require_root()
            if supervisor.is_running(DEFAULT_STATE_DIR / "run"):
                raise HostError("a cluster runs on this machine and has its ports; end it with: sampan down")
            ensure_engine(self._plane.config.state_dir)

    async def _start(self) -> None:
        plane = self._plane
        await plane.start("--unsafe-no-fsync")
        self._client, self._storage = plane.client(), EtcdStorage([f"unix://{plane.config.etcd_socket}"])
        plane.run("kube-controller-manager", "--leader-elect=false", "--secure-port=0")
        if self._nodes:
            plane.run("kube-scheduler", "--leader-elect=false", "--secure-port=0")
            self._run_nodes()
        async with asyncio.timeout(READY_SECONDS):
            await self._until_complete(self._client)
        self._before = await snapshot.take(self._storage)

    def _run_nodes(self) -> None:
        config = self._plane.config
        if self._nodes == DOCKER:
            for name in ("kubelet", "kube-proxy", "kube-dns"):
                self._plane.run(name)
        else:
            self._plane.run(
                "kubelet", "--container-runtime=hollow", f"--hollow-nodes={self._nodes}",
                "--hostname-override=hollow", f"--kubeconfig={config.admin_kubeconfig}",
                f"--port={free_port()}", "--healthz-port=0",
            )  # fmt: skip

    async def _until_complete(self, client: Client) -> None:
        for namespace in FIRST_NAMESPACES:
            await _until_usable(client, namespace)
        for name in AGGREGATED:
            await _until(client, scheme.CLUSTER_ROLES, name, None, lambda role: bool(role.get("rules")))
        for name in self._node_names():
            await _until(client, scheme.NODES, name, None, _is_usable)

    def _node_names(self) -> list[str]:
        if self._nodes == DOCKER:
            return [self._plane.config.node_name]
        return ["hollow"] if self._nodes == 1 else [f"hollow-{index}" for index in range(int(self._nodes))]

    def lend(self, test: str) -> Cluster:
        """A new namespace in it, called after the test."""
        assert self._client is not None, "it has been started"
        namespace = _namespace(test)
        config = self._plane.config
        self._loop.run(_make_namespace(self._client, namespace))
        path = config.state_dir / f"{namespace}.conf"
        kubeconfigs.write(path, _for_namespace(config.admin_kubeconfig, namespace))
        return Cluster(path, namespace, config.server, config.log_dir)

    def reset(self) -> None:
        """Back to what it was when it was new."""
        assert self._storage is not None, "it has been started"
        self._loop.run(snapshot.restore(self._storage, self._before))

    def stop(self) -> None:
        """Ends it and takes away everything that it made on the machine."""
        for each in (self._client, self._storage):
            if each is not None:
                self._loop.run(each.aclose())
        self._loop.close()
        has_run = self._plane.names()
        self._plane.stop()
        if self._nodes == DOCKER and has_run:
            self._clean_machine()
        shutil.rmtree(self._plane.config.state_dir, ignore_errors=True)

    def _clean_machine(self) -> None:
        config = self._plane.config
        [kubelet] = [each for each in components(config, "etcd") if each.name == "kubelet"]
        clean_up("kubelet", kubelet.flags)
        clean_up("kube_proxy", [f"--hostname-override={config.node_name}"])


def _config(folder: Path, nodes: int | str) -> ClusterConfig:
    if nodes != DOCKER:
        return on_free_ports(folder, "hollow")
    config = on_free_ports(folder, f"{default_node_name()}-{os.getpid()}")
    return replace(config, node_ip=primary_address(), cluster_cidr=POD_CIDR)


def _namespace(test: str) -> str:
    """A label of DNS that tells which test it is: `test-rollout-3f9a1c`."""
    words = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in test.lower())
    return f"{words.strip('-')[:50].strip('-') or 'test'}-{secrets.token_hex(3)}"


def _for_namespace(admin: Path, namespace: str) -> Object:
    """The administrator's kubeconfig, at home in a namespace."""
    [config] = from_yaml_all(admin.read_text())
    [context] = config["contexts"]
    context["context"]["namespace"] = namespace
    kubeconfig: Object = config
    return kubeconfig


async def _make_namespace(client: Client, name: str) -> None:
    await client.create(scheme.NAMESPACES, {"metadata": {"name": name}})
    async with asyncio.timeout(READY_SECONDS):
        await _until_usable(client, name)


async def _until_usable(client: Client, namespace: str) -> None:
    """Pods may be created in it: it has its ServiceAccount and the cluster's CA."""
    await _until(client, scheme.SERVICE_ACCOUNTS, "default", namespace)
    await _until(client, scheme.CONFIG_MAPS, "kube-root-ca.crt", namespace)


async def _until(
    client: Client,
    resource: scheme.Resource,
    name: str,
    namespace: str | None,
    holds: Callable[[Object], bool] = bool,
) -> None:
    while True:
        with suppress(NotFoundError):
            if holds(await client.get(resource, name, namespace)):
                return
        await asyncio.sleep(0.02)


def _is_usable(node: Object) -> bool:
    """Ready, and with all that controllers give it."""
    spec = node.get("spec", {})
    is_complete = bool(spec.get("podCIDR")) and TTL in annotations_of(node)
    return conditions.is_condition_true(node, "Ready") and is_complete and not spec.get("taints")
