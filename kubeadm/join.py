"""`sampan join`: this machine becomes a node of a cluster elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from apimachinery.bootstrap_tokens import BootstrapToken
from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import CONFIG_MAPS
from apimachinery.serialize import from_yaml_all
from client.rest import Client
from component_base.clock import now
from component_base.kubeconfig import ClientConfig, load
from kubeadm import host, kubeconfigs
from kubeadm.components import worker
from kubeadm.config import ClusterConfig
from kubeadm.discovery import discover
from kubeadm.invitation import CLUSTER_CONFIG, KUBELET_CONFIG, POOL_FLAG
from kubeadm.launcher import launcher_of
from kubeadm.progress import Progress
from kubeadm.up import prepare_machine, wait_for_node, write_configuration

_IDENTITY_LIMIT = 120.0


async def join(config: ClusterConfig, endpoint: str, token: BootstrapToken, ca_hashes: Sequence[str]) -> None:
    """Twice is harmless. Raises HostError, TimeoutError."""
    host.require_root()
    progress = Progress()
    prepare_machine(config, progress, host.NODE_PROGRAMS)
    with progress.step(f"cluster at {endpoint}") as notes:
        cluster = await discover(endpoint, token, ca_hashes)
        config, kubelet = await _settings(config, cluster)
        notes.append(config.server)
    with progress.step("configuration"):
        _write(config, kubelet, cluster)
    begun = await start(config, progress)
    own = Client(load(config.kubeconfig("kubelet")), user_agent="sampan-join")
    try:
        await wait_for_node(config, config.node_name, own, progress, begun)
    finally:
        await own.aclose()
    progress.say("joined; look at it where the administrator's kubeconfig is: kubectl get nodes")


async def _settings(config: ClusterConfig, cluster: ClientConfig) -> tuple[ClusterConfig, Object]:
    """What the cluster's ConfigMaps say: our config with it, and the KubeletConfiguration."""
    client = Client(cluster, user_agent="sampan-join")
    try:
        kubeadm = await client.get(CONFIG_MAPS, CLUSTER_CONFIG, "kube-system")
        kubelet = await client.get(CONFIG_MAPS, KUBELET_CONFIG, "kube-system")
    except StatusError as error:
        raise host.HostError(f"the cluster does not tell this machine how it is set up: {error}") from error
    finally:
        await client.aclose()
    described = _document(kubeadm["data"]["ClusterConfiguration"])
    networking = described.get("networking") or {}
    joined = replace(
        config,
        name=described.get("clusterName") or config.name,
        endpoint=cluster.server.removeprefix("https://"),
        cluster_cidr=networking.get("podSubnet") or config.cluster_cidr,
        service_cidr=networking.get("serviceSubnet") or config.service_cidr,
        cluster_domain=networking.get("dnsDomain") or config.cluster_domain,
        load_balancer_pool=pool_of(described),
    )
    shared = _document(kubelet["data"]["kubelet"])
    return replace(joined, feature_gates=gates_of(shared)), shared


def pool_of(described: Object) -> str:
    """The controller-manager gives addresses out that the nodes answer for."""
    arguments = get_path(described, "controllerManager.extraArgs", [])
    return next((each["value"] for each in arguments if each["name"] == POOL_FLAG), "")


def gates_of(kubelet: Object) -> str:
    """What the nodes' KubeletConfiguration says of features, as a flag does: for kube-proxy."""
    gates: dict[str, bool] = kubelet.get("featureGates") or {}
    return ",".join(f"{name}={str(is_on).lower()}" for name, is_on in gates.items())


def _document(text: str) -> Object:
    documents: list[Any] = [each for each in from_yaml_all(text) if each]
    return dict(documents[0])


def _write(config: ClusterConfig, kubelet: Object, cluster: ClientConfig) -> None:
    """A node's own paths go into what all nodes share, and it serves with a certificate of the cluster's."""
    assert cluster.ca is not None, "discovery has found it"
    authority = config.pki / "ca.crt"
    authority.write_bytes(cluster.ca)
    own = {"authentication": {"x509": {"clientCAFile": str(authority)}}, "serverTLSBootstrap": True}
    write_configuration(config, {**kubelet, **own})
    credentials = {"token": cluster.token}
    bootstrap = kubeconfigs.kubeconfig(config, "tls-bootstrap-token-user", credentials)
    kubeconfigs.write(config.kubeconfig("bootstrap-kubelet"), bootstrap)


async def start(config: ClusterConfig, progress: Progress) -> datetime | None:
    """The kubelet first: kube-proxy works with the identity that it gets.

    Returns a moment before the kubelet began, if it is a new one.
    """
    began = now().replace(microsecond=0)
    kubelet, proxy = worker(config)
    launcher = launcher_of(config)
    new: list[str] = []
    with progress.step("kubelet's certificate") as notes:
        if not config.kubeconfig("kubelet").exists():
            new += launcher.apply([kubelet])
            await _appears(config.kubeconfig("kubelet"))
            notes.append("issued")
    with progress.step("processes") as notes:
        started = launcher.apply([kubelet, proxy])
        notes.append(", ".join(started) or "run already")
    return began if kubelet.name in (*new, *started) else None


async def _appears(path: Path) -> None:
    """The kubelet writes it when the cluster has let it in."""
    try:
        async with asyncio.timeout(_IDENTITY_LIMIT):
            while not await asyncio.to_thread(path.exists):  # noqa: ASYNC110 - another process's file
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise TimeoutError(
            f"the cluster gave no certificate in {_IDENTITY_LIMIT:g} s; see the kubelet's log, and on the "
            "control plane: kubectl get csr"
        ) from None
