"""A real node: this machine, its Docker engine, its server on port 10250."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from apimachinery.durations import parse_duration
from apimachinery.local_path import NODE_LABEL
from apimachinery.scheme import NODES, PODS, SERVICES
from client.events import EventRecorder
from client.informer import Informer
from client.metrics import count_request
from client.rest import Client
from component_base import clock
from component_base.daemon import Daemon
from component_base.oom_score import set_oom_score
from component_base.open_files import set_open_files
from kubelet.assembly import Assembly, Seams, Waker, assemble
from kubelet.certificates.rotation import CLIENT
from kubelet.certificates.store import CertificateStore
from kubelet.cgroups.cleanup import remove_cgroups
from kubelet.containers.files import PodFiles
from kubelet.guards import NodeGuards
from kubelet.network.pod_network import PodNetwork
from kubelet.network.routes import Backend
from kubelet.node.agent import NodeAgent
from kubelet.node.machine import Machine, inspect_machine
from kubelet.node.neighbours import Neighbours
from kubelet.node.sources import MachineSource
from kubelet.node.startup import NodeStartup
from kubelet.node.status import NodeConfig
from kubelet.node_life import NodeLife
from kubelet.node_settings import (
    certificate_folder,
    event_limit_of,
    heartbeat_seconds_of,
    log_limits_of,
    manifests_of,
    node_config_of,
    node_name,
    pod_settings_of,
    pull_limits_of,
    request_limit_of,
)
from kubelet.options import Options
from kubelet.pods.preparer import NodePreparer
from kubelet.probes.prober import NodeProber
from kubelet.referenced import ReferencedObjects
from kubelet.runtime.docker.engine import DEFAULT_ENDPOINT
from kubelet.runtime.docker.log_links import LogLinks
from kubelet.runtime.docker.runtime import DockerRuntime
from kubelet.standalone import NoApiServer
from kubelet.stats.node import start_times
from kubelet.volumes.claimed import ClaimedVolumes
from kubelet.volumes.claims import ApiClaims
from kubelet.volumes.image_folders import ImageFolders
from kubelet.volumes.local_path import LocalPathVolumes, NodeDisk
from kubelet.volumes.manager import VolumeManager
from kubelet.volumes.mounting import remove_tree
from kubelet.volumes.tokens import TokenManager

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Base:
    """What the other parts of the node are made with."""

    options: Options
    configuration: dict[str, Any]
    root: Path
    machine: Machine
    config: NodeConfig
    client: Client
    unlimited: Client
    """For heartbeats, and for Events, whose limit is their own: these wait behind no other requests."""
    network: PodNetwork
    runtime: DockerRuntime
    recorder: EventRecorder

    async def aclose(self) -> None:
        await self.runtime.aclose()
        await self.unlimited.aclose()
        await self.client.aclose()


async def run_docker_node(daemon: Daemon, options: Options, configuration: dict[str, Any]) -> None:
    """Makes the parts of the node, and runs them until the daemon is to end."""
    set_oom_score(configuration["oomScoreAdj"])
    set_open_files(configuration["maxOpenFiles"])
    machine = inspect_machine(Path(options.root_dir))
    if options.bootstrap_kubeconfig:
        await _join(options, machine)
    base = _base(options, configuration, machine)
    guards = _guards(base)
    agent = _agent(base, guards)
    waker = Waker()
    objects = ReferencedObjects(base.client, waker.wake_all)
    services = Informer(base.client, SERVICES)
    assembly = _assembly(base, guards, agent, objects, services, waker)
    name = base.config.name
    local_path = LocalPathVolumes(base.client, {name}, f"{NODE_LABEL}={name}", NodeDisk())
    nodes = Informer(base.client, NODES)
    life = NodeLife(
        client=base.client,
        configuration=configuration,
        certificates=certificate_folder(options),
        agent=agent,
        runtime=base.runtime,
        assembly=assembly,
        nodes=nodes,
        services=services,
        neighbours=Neighbours(name, nodes, base.network),
        recorder=base.recorder,
        machine=machine,
        guards=guards,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(base.recorder.run())
            group.create_task(local_path.run())
            await life.run(group, daemon)
    finally:
        await assembly.aclose()
        await objects.aclose()
        await base.aclose()


def _base(options: Options, configuration: dict[str, Any], machine: Machine) -> _Base:
    client, server = _client(options, configuration)
    unlimited = client.beside(seconds=heartbeat_seconds_of(configuration))
    config = node_config_of(options, configuration, machine, server)
    network = PodNetwork(config.name, options.cluster_cidr, backend=Backend(options.pod_network_backend))
    return _Base(
        options=options,
        configuration=configuration,
        root=Path(options.root_dir),
        machine=machine,
        config=config,
        client=client,
        unlimited=unlimited,
        network=network,
        runtime=_docker(options, configuration, network),
        recorder=EventRecorder(unlimited, "kubelet", config.name, limit=event_limit_of(configuration)),
    )


def _guards(base: _Base) -> NodeGuards:
    return NodeGuards(
        base.configuration,
        base.runtime,
        base.recorder,
        machine=base.machine,
        config=base.config,
        root=base.root,
        pause_image=base.options.pod_infra_container_image,
    )


def _agent(base: _Base, guards: NodeGuards) -> NodeAgent:
    return NodeAgent(
        base.unlimited,
        base.config,
        MachineSource(
            base.machine, base.runtime, guards.eviction.conditions, guards.shutdown.is_shutting_down
        ),
        clock.now,
        base.recorder,
        NodeStartup(*start_times(), lambda: clock.now().timestamp()),
    )


def _assembly(
    base: _Base,
    guards: NodeGuards,
    agent: NodeAgent,
    objects: ReferencedObjects,
    services: Informer,
    waker: Waker,
) -> Assembly:
    """The Kubelet of this node, and what belongs to it."""
    client, runtime, name = base.client, base.runtime, base.config.name
    settings = pod_settings_of(base.configuration, base.root)
    seams = Seams(
        runtime=runtime,
        prober=NodeProber(runtime),
        preparer=NodePreparer(objects, PodFiles(base.root), services.list, settings),
        volumes=_volumes(base.root, client, objects, agent, runtime),
        references=objects,
        recorder=base.recorder,
        manifests=list(manifests_of(base.configuration, name, clock.now)),
        pressures=guards.eviction.conditions,
        is_shutting_down=guards.shutdown.is_shutting_down,
        cgroups=guards.cgroups,
    )
    return assemble(
        client=client,
        seams=seams,
        agents={name: agent},
        pods=Informer(client, PODS, field_selector=f"spec.nodeName={name}"),
        settings=settings,
        waker=waker,
        now=clock.now,
        rng=random.Random(),
        pull_limits=pull_limits_of(base.configuration),
    )


def _client(options: Options, configuration: dict[str, Any]) -> tuple[Client, str]:
    """The client and its server's address; standalone, one that knows no object, and no address."""
    from component_base.kubeconfig import load

    if not options.kubeconfig:
        log.info("Kubelet is running in standalone mode, will skip API server sync")
        return cast(Client, NoApiServer()), ""
    config = load(options.kubeconfig)
    qps, burst = request_limit_of(configuration)
    client = Client(config, user_agent="kubelet", qps=qps, burst=burst, on_answer=count_request)
    return client, config.server


def _docker(options: Options, configuration: dict[str, Any], network: PodNetwork) -> DockerRuntime:
    return DockerRuntime(
        network,
        endpoint=options.docker_endpoint or DEFAULT_ENDPOINT,
        pause_image=options.pod_infra_container_image,
        logs=log_limits_of(configuration),
        links=LogLinks(Path(configuration["podLogsDir"])),
        request_seconds=parse_duration(configuration["runtimeRequestTimeout"]),
    )


def _volumes(
    root: Path, client: Client, objects: ReferencedObjects, agent: NodeAgent, runtime: DockerRuntime
) -> VolumeManager:
    tokens = TokenManager(client, clock.now, random.Random())
    claimed = ClaimedVolumes(ApiClaims(client), lambda: agent.node)
    return VolumeManager(root, objects, tokens, claimed, ImageFolders(root, runtime.copy_image))


async def _join(options: Options, machine: Machine) -> None:
    """A node that has no identity yet asks for one."""
    from kubelet.certificates.bootstrap import ensure_kubeconfig

    await ensure_kubeconfig(
        options.bootstrap_kubeconfig,
        Path(options.kubeconfig),
        node_name(options, machine),
        CertificateStore(certificate_folder(options), CLIENT),
        clock.now(),
    )


async def clean_up(options: Options, configuration: dict[str, Any]) -> None:
    """Takes away all that this node's kubelet has ever made on the machine; the API is not asked."""
    from kubelet.runtime.docker.cleanup import cleanup_node

    root = Path(options.root_dir)
    name = node_name(options, inspect_machine(root))
    await cleanup_node(name, options.docker_endpoint or DEFAULT_ENDPOINT, LogLinks())
    await asyncio.to_thread(remove_cgroups, configuration["cgroupRoot"])
    remove_tree(root / "pods")
    remove_tree(root / "image-volumes")
