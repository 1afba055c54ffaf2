"""A real node: this machine, its Docker engine, its server on port 10250."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from functools import partial
from pathlib import Path
from typing import Any

from apimachinery.errors import StatusError
from apimachinery.local_path import NODE_LABEL
from apimachinery.objects import NamespacedName, Object, get_path, name_of
from apimachinery.scheme import NODES, PODS, SERVICES
from client.errors import ConnectionFailed
from client.informer import Informer
from client.metrics import count_request
from client.rest import Client
from component_base import clock
from component_base.addresses import primary_address
from component_base.certificates import serving_context
from component_base.daemon import Daemon
from component_base.health import HealthServer
from component_base.resolv_conf import ResolvConf, parse_resolv_conf
from kubelet.assembly import Assembly, Seams, Waker, assemble
from kubelet.certificates.rotation import CLIENT, certificate_managers
from kubelet.certificates.store import CertificateStore
from kubelet.containers.files import PodFiles
from kubelet.events import NORMAL, Recorder
from kubelet.network.pod_network import PodNetwork
from kubelet.network.routes import Backend
from kubelet.node.agent import NodeAgent
from kubelet.node.heartbeats import renew_leases, report_statuses
from kubelet.node.machine import Machine, inspect_machine
from kubelet.node.neighbours import Neighbours
from kubelet.node.sources import MachineSource
from kubelet.node.status import NodeConfig
from kubelet.options import Options
from kubelet.pods.preparer import NodePreparer
from kubelet.probes.prober import NodeProber
from kubelet.referenced import ReferencedObjects
from kubelet.references import node_reference
from kubelet.runtime.docker.engine import DEFAULT_ENDPOINT
from kubelet.runtime.docker.runtime import DockerRuntime
from kubelet.runtime.interface import ContainerRuntimeError, Runtime
from kubelet.settings import PodSettings
from kubelet.volumes.claimed import ClaimedVolumes
from kubelet.volumes.claims import ApiClaims
from kubelet.volumes.local_path import LocalPathVolumes, NodeDisk
from kubelet.volumes.manager import VolumeManager
from kubelet.volumes.mounting import remove_tree
from kubelet.volumes.tokens import TokenManager

log = logging.getLogger(__name__)

NETWORK_RETRY = 1.0


async def run_docker_node(daemon: Daemon, options: Options, configuration: dict[str, Any]) -> None:
    from client.events import EventRecorder
    from client.kubeconfig import load

    root = Path(options.root_dir)
    machine = inspect_machine(root)
    if options.bootstrap_kubeconfig:
        await _join(options, machine)
    client_config = load(options.kubeconfig or None)
    client = Client(client_config, user_agent="kubelet", on_answer=count_request)
    node_config = node_config_of(options, configuration, machine, client_config.server)
    network = PodNetwork(node_config.name, options.cluster_cidr, backend=Backend(options.pod_network_backend))
    runtime = DockerRuntime(
        network,
        endpoint=options.docker_endpoint or DEFAULT_ENDPOINT,
        pause_image=options.pod_infra_container_image,
    )
    agent = NodeAgent(client, node_config, MachineSource(machine, root, runtime), clock.now)
    recorder = EventRecorder(client, "kubelet", node_config.name)
    waker = Waker()
    objects = ReferencedObjects(client, waker.wake_all)
    services = Informer(client, SERVICES)
    settings = pod_settings_of(configuration)
    assembly = assemble(
        client=client,
        seams=Seams(
            runtime,
            NodeProber(runtime),
            NodePreparer(objects, PodFiles(root), services.list, settings),
            VolumeManager(
                root,
                objects,
                TokenManager(client, clock.now, random.Random()),
                ClaimedVolumes(ApiClaims(client), lambda: agent.node),
            ),
            objects,
            recorder,
        ),
        agents={node_config.name: agent},
        pods=Informer(client, PODS, field_selector=f"spec.nodeName={node_config.name}"),
        settings=settings,
        waker=waker,
        now=clock.now,
        rng=random.Random(),
        serialize_pulls=configuration["serializeImagePulls"],
        max_parallel_pulls=configuration["maxParallelImagePulls"],
    )
    local_path = LocalPathVolumes(client, {node_config.name}, f"{NODE_LABEL}={node_config.name}", NodeDisk())
    certificates = _certificate_folder(options)
    node = _Node(client, configuration, certificates, agent, runtime, network, assembly, services, recorder)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run())
            group.create_task(local_path.run())
            await node.run(group, daemon)
    finally:
        await assembly.aclose()
        await objects.aclose()
        await runtime.close()
        await client.aclose()


class _Node:
    """The order in which a node comes to life."""

    def __init__(
        self,
        client: Client,
        configuration: dict[str, Any],
        certificates: Path,
        agent: NodeAgent,
        runtime: Runtime,
        network: PodNetwork,
        assembly: Assembly,
        services: Informer,
        recorder: Recorder,
    ) -> None:
        self._client = client
        self._configuration = configuration
        self._certificates = certificates
        self._agent = agent
        self._runtime = runtime
        self._assembly = assembly
        self._services = services
        self._recorder = recorder
        self._news = asyncio.Event()
        name = agent.config.name
        self._nodes = Informer(client, NODES)
        self._neighbours = Neighbours(name, self._nodes, network)

    async def run(self, group: asyncio.TaskGroup, daemon: Daemon) -> None:
        name = self._agent.config.name
        await self._start_health()
        serving = await self._serving_context()
        group.create_task(self._serve(serving))
        if self._configuration["registerNode"]:
            await self._agent.register()
        self._recorder.event(node_reference(name), NORMAL, "Starting", "Starting kubelet.")
        self._nodes.add_handler(self._on_node)
        group.create_task(self._nodes.run())
        group.create_task(self._services.run())
        group.create_task(self._follow_node())
        group.create_task(self._neighbours.run())
        group.create_task(renew_leases([self._agent]))
        group.create_task(report_statuses([self._agent]))
        await self._nodes.wait_synced()
        await self._services.wait_synced()
        group.create_task(self._assembly.kubelet.run())
        await self._assembly.kubelet.pods.wait_synced()
        daemon.ready()
        managers = certificate_managers(
            self._configuration, self._agent.config, self._certificates, self._client, serving, clock.now
        )
        for manager in managers:
            group.create_task(manager.run())

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is not None and name_of(new) == self._agent.config.name:
            self._agent.observe(new)
            if old is None or get_path(old, "spec.podCIDR") != get_path(new, "spec.podCIDR"):
                self._news.set()

    async def _follow_node(self) -> None:
        """The pods' network waits for the Node's podCIDR, and the Ready condition for the network."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._take_pod_cidr()
            except (ContainerRuntimeError, StatusError, ConnectionFailed) as error:
                log.warning("Pod network not set up yet, will retry: error=%s", error)
                await asyncio.sleep(NETWORK_RETRY)
                self._news.set()

    async def _take_pod_cidr(self) -> None:
        node = self._nodes.get(NamespacedName("", self._agent.config.name)) or {}
        cidr = self._configuration["podCIDR"] or get_path(node, "spec.podCIDR")
        if cidr:
            await self._runtime.update_pod_cidr(cidr)
            await self._agent.report()

    async def _serving_context(self) -> ssl.SSLContext:
        settings = self._configuration
        return await serving_context(
            settings["tlsCertFile"],
            settings["tlsPrivateKeyFile"],
            host=self._agent.config.name,
            client_ca_file=settings["authentication"]["x509"]["clientCAFile"],
        )

    async def _serve(self, context: ssl.SSLContext) -> None:
        from client.reviews import Authenticator
        from kubelet.server.app import build_app
        from kubelet.server.identity import Authorizer
        from kubelet.server.serve import serve

        settings, name = self._configuration, self._agent.config.name
        app = build_app(
            self._assembly.kubelet,
            self._assembly.probes.history,
            Authenticator(self._client, anonymous=settings["authentication"]["anonymous"]["enabled"]),
            Authorizer(self._client, name, always_allow=settings["authorization"]["mode"] == "AlwaysAllow"),
            settings,
            clock.now,
        )
        await serve(app, settings["address"], settings["port"], context)

    async def _start_health(self) -> None:
        if self._configuration["healthzPort"]:
            server = HealthServer(
                self._configuration["healthzBindAddress"], self._configuration["healthzPort"]
            )
            await server.start()


def _certificate_folder(options: Options) -> Path:
    return Path(options.cert_dir or Path(options.root_dir, "pki"))


async def _join(options: Options, machine: Machine) -> None:
    """A node that has no identity yet asks for one."""
    from kubelet.certificates.bootstrap import ensure_kubeconfig

    await ensure_kubeconfig(
        options.bootstrap_kubeconfig,
        Path(options.kubeconfig),
        (options.hostname_override or machine.hostname).lower(),
        CertificateStore(_certificate_folder(options), CLIENT),
        clock.now(),
    )


async def clean_up(options: Options) -> None:
    """Takes away all that this node's kubelet has ever made on the machine; the API is not asked."""
    from kubelet.runtime.docker.cleanup import cleanup_node

    root = Path(options.root_dir)
    name = (options.hostname_override or inspect_machine(root).hostname).lower()
    await cleanup_node(name, options.docker_endpoint or DEFAULT_ENDPOINT)
    remove_tree(root / "pods")


def node_config_of(
    options: Options, configuration: dict[str, Any], machine: Machine, server: str
) -> NodeConfig:
    from urllib.parse import urlsplit

    addresses = tuple(each for each in options.node_ip.split(",") if each)
    return NodeConfig(
        name=(options.hostname_override or machine.hostname).lower(),
        addresses=addresses or (primary_address(urlsplit(server).hostname or ""),),
        hostname=(options.hostname_override or machine.hostname).lower(),
        port=configuration["port"],
        max_pods=configuration["maxPods"],
        labels=options.node_labels or {},
        taints=configuration["registerWithTaints"],
        provider_id=configuration["providerID"],
        lease_seconds=configuration["nodeLeaseDurationSeconds"],
        reserved={**configuration["systemReserved"], **configuration["kubeReserved"]},
        eviction_hard=configuration["evictionHard"],
    )


def pod_settings_of(configuration: dict[str, Any]) -> PodSettings:
    return PodSettings(
        cluster_dns=tuple(configuration["clusterDNS"]),
        cluster_domain=configuration["clusterDomain"],
        host_dns=partial(_read_resolv_conf, Path(configuration["resolvConf"])),
        pids_limit=max(configuration["podPidsLimit"], 0),
        cpu_quota=configuration["cpuCFSQuota"],
        seccomp_default=configuration["seccompDefault"],
    )


def _read_resolv_conf(path: Path) -> ResolvConf:
    return parse_resolv_conf(path.read_text() if path.is_file() else "")
