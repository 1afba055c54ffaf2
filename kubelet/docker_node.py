"""A real node: this machine, its Docker engine, its server on port 10250."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from typing import Any, cast

from apimachinery.durations import parse_duration
from apimachinery.local_path import NODE_LABEL
from apimachinery.scheme import NODES, PODS, SERVICES
from client.informer import Informer
from client.metrics import count_request
from client.rest import Client
from component_base import clock
from component_base.daemon import Daemon
from component_base.oom_score import set_oom_score
from component_base.open_files import set_open_files
from kubelet.assembly import Seams, Waker, assemble
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


async def run_docker_node(daemon: Daemon, options: Options, configuration: dict[str, Any]) -> None:
    from client.events import EventRecorder

    set_oom_score(configuration["oomScoreAdj"])
    set_open_files(configuration["maxOpenFiles"])
    root = Path(options.root_dir)
    machine = inspect_machine(root)
    if options.bootstrap_kubeconfig:
        await _join(options, machine)
    client, server = _client(options, configuration)
    # Heartbeats, and Events, whose limit is their own, wait behind no other requests.
    unlimited = client.beside(seconds=heartbeat_seconds_of(configuration))
    node_config = node_config_of(options, configuration, machine, server)
    network = PodNetwork(node_config.name, options.cluster_cidr, backend=Backend(options.pod_network_backend))
    runtime = _docker(options, configuration, network)
    recorder = EventRecorder(unlimited, "kubelet", node_config.name, limit=event_limit_of(configuration))
    guards = NodeGuards(
        configuration,
        runtime,
        recorder,
        machine=machine,
        config=node_config,
        root=root,
        pause_image=options.pod_infra_container_image,
    )
    agent = NodeAgent(
        unlimited,
        node_config,
        MachineSource(machine, runtime, guards.eviction.conditions, guards.shutdown.is_shutting_down),
        clock.now,
        recorder,
        NodeStartup(*start_times(), lambda: clock.now().timestamp()),
    )
    waker = Waker()
    objects = ReferencedObjects(client, waker.wake_all)
    services = Informer(client, SERVICES)
    settings = pod_settings_of(configuration, root)
    assembly = assemble(
        client=client,
        seams=Seams(
            runtime,
            NodeProber(runtime),
            NodePreparer(objects, PodFiles(root), services.list, settings),
            _volumes(root, client, objects, agent, runtime),
            objects,
            recorder,
            list(manifests_of(configuration, node_config.name, clock.now)),
            guards.eviction.conditions,
            guards.shutdown.is_shutting_down,
            guards.cgroups,
        ),
        agents={node_config.name: agent},
        pods=Informer(client, PODS, field_selector=f"spec.nodeName={node_config.name}"),
        settings=settings,
        waker=waker,
        now=clock.now,
        rng=random.Random(),
        pull_limits=pull_limits_of(configuration),
    )
    local_path = LocalPathVolumes(client, {node_config.name}, f"{NODE_LABEL}={node_config.name}", NodeDisk())
    nodes = Informer(client, NODES)
    life = NodeLife(
        client=client,
        configuration=configuration,
        certificates=certificate_folder(options),
        agent=agent,
        runtime=runtime,
        assembly=assembly,
        nodes=nodes,
        services=services,
        neighbours=Neighbours(node_config.name, nodes, network),
        recorder=recorder,
        machine=machine,
        guards=guards,
    )
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run())
            group.create_task(local_path.run())
            await life.run(group, daemon)
    finally:
        await assembly.aclose()
        await objects.aclose()
        await runtime.aclose()
        await unlimited.aclose()
        await client.aclose()


def _client(options: Options, configuration: dict[str, Any]) -> tuple[Client, str]:
    """And the server that it asks, if any."""
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
