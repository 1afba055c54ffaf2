"""Hollow mode: many simulated nodes in one process.

They share one engine, one watch of pods, one set of workers.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any

from apimachinery.local_path import NODE_LABEL
from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from apimachinery.resource_metrics import PATH_ANNOTATION
from apimachinery.scheme import PODS
from apimachinery.well_known import HOLLOW_NODE
from client.events import EventRecorder
from client.informer import Informer
from client.metrics import count_request
from client.rest import Client
from component_base import clock
from component_base.certificates import serving_context
from component_base.daemon import Daemon
from component_base.kubeconfig import load
from component_base.tls_options import restrict
from kubelet.assembly import Assembly, Seams, Waker, assemble
from kubelet.configuration import gates_of
from kubelet.health import health_checks
from kubelet.node.agent import NodeAgent
from kubelet.node.followed import FollowedNodes
from kubelet.node.heartbeats import HOLLOW_STATUS_PERIOD, renew_lease_at_once, renew_leases, report_statuses
from kubelet.node.machine import Machine
from kubelet.node.sources import DescribedSource
from kubelet.node.status import NodeConfig
from kubelet.options import Options
from kubelet.pods.preparer import HollowPreparer
from kubelet.probes.outcome import Attempt, Outcome
from kubelet.probes.prober import command_of, probe_exec
from kubelet.runtime.hollow import HollowOptions, HollowRuntime
from kubelet.runtime.hollow.script import load_script
from kubelet.runtime.interface import RuntimeVersion
from kubelet.settings import PodSettings
from kubelet.stats.hollow import HollowUsage, metrics_path
from kubelet.volumes.local_path import LocalPathVolumes, NoDisk
from kubelet.volumes.manager import NoVolumes

REGISTERING_AT_ONCE = 16
STARTS_AT_ONCE = 64
POD_CIDR = "100.64.0.0/12"
"""Carrier-grade NAT space: pods that nobody can reach should not look as if they could be."""


class HollowProber:
    """Network probes succeed while the container is said to answer; commands are played by the engine."""

    def __init__(self, runtime: HollowRuntime) -> None:
        self._runtime = runtime

    async def probe(
        self, probe: Object, container: Object, container_id: str, pod_ip: str, limit: float
    ) -> Attempt:
        if "exec" in probe:
            return await probe_exec(self._runtime, container_id, command_of(probe, container), limit)
        if self._runtime.answers(container_id):
            return Attempt(Outcome.SUCCESS)
        return Attempt(Outcome.FAILURE, "the hollow container does not answer")


class NoReferences:
    """Hollow containers read neither ConfigMaps nor Secrets."""

    def register(self, pod: Object) -> None:
        return None

    def unregister(self, uid: str) -> None:
        return None


async def run_hollow_nodes(daemon: Daemon, options: Options, configuration: dict[str, Any]) -> None:
    client = Client(load(options.kubeconfig or None), user_agent="kubelet-hollow", on_answer=count_request)
    recorder = EventRecorder(client, "kubelet")
    runtime = HollowRuntime(
        options=HollowOptions(options.hollow_sandbox_latency, options.hollow_start_latency),
        now=clock.now,
        random=random.Random(),
        pod_cidr=POD_CIDR,
        script=load_script(options.hollow_behaviour) if options.hollow_behaviour else None,
    )
    waker = Waker()
    agents = {name: _agent(client, name, options, configuration) for name in node_names(options)}
    settings = PodSettings(concurrent_starts=STARTS_AT_ONCE, gates=gates_of(configuration))
    preparer = HollowPreparer(settings)
    assembly = assemble(
        client=client,
        seams=Seams(runtime, HollowProber(runtime), preparer, NoVolumes(), NoReferences(), recorder),
        agents=agents,
        pods=Informer(client, PODS, field_selector="spec.nodeName!="),
        settings=settings,
        waker=waker,
        now=clock.now,
        rng=random.Random(),
    )
    daemon.checks |= health_checks(assembly.kubelet.housekeeping)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(recorder.run())
            await _register(list(agents.values()))
            group.create_task(LocalPathVolumes(client, agents, NODE_LABEL, NoDisk()).run())
            group.create_task(FollowedNodes(client, agents, f"{HOLLOW_NODE}=true").run())
            group.create_task(_live(assembly, list(agents.values())))
            if configuration["tlsCertFile"]:
                group.create_task(_serve(client, assembly, configuration))
            await assembly.kubelet.pods.wait_synced()
            daemon.ready()
    finally:
        await assembly.aclose()
        await client.aclose()


async def _live(assembly: Assembly, agents: list[NodeAgent]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(renew_leases(agents))
        group.create_task(report_statuses(agents, HOLLOW_STATUS_PERIOD))
        group.create_task(assembly.kubelet.run())


async def _serve(client: Client, assembly: Assembly, configuration: dict[str, Any]) -> None:
    """Usage, logs, commands; only with a certificate, or nobody would believe it."""
    from kubelet.server.hollow import build_app
    from kubelet.server.identity import authenticator_of, authorizer_of
    from kubelet.server.serve import serve

    kubelet = assembly.kubelet
    context = await serving_context(
        configuration["tlsCertFile"],
        configuration["tlsPrivateKeyFile"],
        client_ca_file=configuration["authentication"]["x509"]["clientCAFile"],
    )
    restrict(context, configuration["tlsMinVersion"], configuration["tlsCipherSuites"])
    app = build_app(
        kubelet,
        HollowUsage(kubelet.runtime, kubelet.all_pods, lambda: clock.now().timestamp()),
        authenticator_of(client, configuration),
        authorizer_of(client, "", configuration),
        configuration,
        clock.now,
    )
    await serve(app, configuration["address"], configuration["port"], context)


def node_names(options: Options) -> list[str]:
    """`hollow-0`, `hollow-1` ...; the prefix can be overridden. One node bears the name as it is."""
    prefix = options.hostname_override or "hollow"
    if options.hollow_nodes == 1 and options.hostname_override:
        return [prefix]
    return [f"{prefix}-{index}" for index in range(options.hollow_nodes)]


def hollow_machine(options: Options, name: str) -> Machine:
    return Machine(
        cpus=Quantity.parse(options.hollow_cpu).value(),
        memory=Quantity.parse(options.hollow_memory).value(),
        disk=100 * 1024**3,
        machine_id=name,
        system_uuid=name,
        boot_id=name,
        kernel="hollow",
        os_image="Hollow Linux",
        hostname=name,
    )


def _agent(client: Client, name: str, options: Options, configuration: dict[str, Any]) -> NodeAgent:
    machine = hollow_machine(options, name)
    config = NodeConfig(
        name=name,
        addresses=(options.node_ip or "127.0.0.1",),
        hostname=name,
        port=configuration["port"],
        max_pods=configuration["maxPods"],
        labels={HOLLOW_NODE: "true", **(options.node_labels or {})},
        annotations={PATH_ANNOTATION: metrics_path(name)},
        taints=configuration["registerWithTaints"],
        lease_seconds=configuration["nodeLeaseDurationSeconds"],
    )
    return NodeAgent(client, config, DescribedSource(machine, RuntimeVersion("hollow", "1", "1")), clock.now)


async def _register(agents: list[NodeAgent]) -> None:
    gate = asyncio.Semaphore(REGISTERING_AT_ONCE)

    async def one(agent: NodeAgent) -> None:
        async with gate:
            await agent.register()
            await renew_lease_at_once(agent)

    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(one(agent))
