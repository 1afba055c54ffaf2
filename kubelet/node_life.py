"""The order in which a node comes to life: health, server, static pods, its Node, then pods of the API."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apimachinery.durations import parse_duration
from apimachinery.errors import StatusError
from apimachinery.objects import NamespacedName, Object, get_path, name_of
from client.errors import ConnectionFailed
from client.events import NORMAL, WARNING
from client.informer import Informer
from client.rest import Client
from component_base import clock
from component_base.certificates import serving_context
from component_base.daemon import Daemon
from component_base.health import HealthServer
from component_base.health_checks import Check
from component_base.listening import start_when_free
from component_base.serving_pair import FilePair
from component_base.tls_options import restrict
from kubelet.assembly import Assembly
from kubelet.certificates.rotation import certificate_managers
from kubelet.cgroups.drivers import is_on_v1
from kubelet.configuration import gates_of
from kubelet.events import Recorder
from kubelet.guards import NodeGuards
from kubelet.health import health_checks
from kubelet.metrics import CGROUP_VERSION
from kubelet.node.agent import NodeAgent
from kubelet.node.heartbeats import renew_leases, report_statuses
from kubelet.node.machine import Machine
from kubelet.node.neighbours import Neighbours
from kubelet.references import node_reference
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

if TYPE_CHECKING:
    from kubelet.server.stats import StatsEndpoints

log = logging.getLogger(__name__)

NETWORK_RETRY = 1.0
_CGROUP_V1 = "cgroup v1 support is in maintenance mode, please migrate to cgroup v2"


@dataclass(frozen=True, slots=True)
class NodeLife:
    """Runs a node of which all parts have been made. `certificates` is the folder that they are kept in."""

    client: Client
    configuration: dict[str, Any]
    certificates: Path
    agent: NodeAgent
    runtime: Runtime
    assembly: Assembly
    nodes: Informer
    services: Informer
    neighbours: Neighbours
    recorder: Recorder
    machine: Machine
    guards: NodeGuards
    _news: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _connected: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    async def run(self, group: asyncio.TaskGroup, daemon: Daemon) -> None:
        """Returns once the node is ready; what goes on for ever goes on in the group."""
        daemon.checks |= health_checks(self.assembly.kubelet.housekeeping)
        serving = await self._open_ports(group, daemon.checks)
        group.create_task(self._follow_node())
        group.create_task(self.assembly.kubelet.run(self._connected))
        if self.configuration["registerNode"]:
            await self.agent.register()
        self._tell_start()
        self.nodes.add_handler(self._on_node)
        group.create_task(self.nodes.run())
        group.create_task(self.services.run())
        group.create_task(self.neighbours.run())
        group.create_task(renew_leases([self.agent]))
        period = parse_duration(self.configuration["nodeStatusUpdateFrequency"])
        group.create_task(report_statuses([self.agent], period))
        await self.nodes.wait_synced()
        await self.services.wait_synced()
        self._connected.set()
        group.create_task(self.guards.run(self.assembly.kubelet, self.agent.report))
        await self.assembly.kubelet.pods.wait_synced()
        daemon.ready()
        managers = certificate_managers(
            self.configuration, self.agent.config, self.certificates, self.client, serving, clock.now
        )
        for manager in managers:
            group.create_task(manager.run())

    async def _open_ports(self, group: asyncio.TaskGroup, checks: Mapping[str, Check]) -> ssl.SSLContext:
        """Those that are configured. Returns the server's context, for a new certificate to be put there."""
        settings = self.configuration
        if settings["healthzPort"]:
            group.create_task(start_when_free(self._health(checks).start, "healthz"))
        serving = await self._serving_context()
        stats = self._stats()
        if settings["enableServer"]:
            group.create_task(self._serve(serving, stats, checks))
        if settings["readOnlyPort"]:
            group.create_task(self._serve_read_only(stats, checks))
        if self._has_files_to_follow():
            pair = FilePair(serving, settings["tlsCertFile"], settings["tlsPrivateKeyFile"])
            pair.load()
            group.create_task(pair.keep_fresh())
        return serving

    def _tell_start(self) -> None:
        reference, on_v1 = node_reference(self.agent.config.name), is_on_v1()
        self.recorder.event(reference, NORMAL, "Starting", "Starting kubelet.")
        CGROUP_VERSION.set(1 if on_v1 else 2)
        if on_v1:
            self.recorder.event(reference, WARNING, "CgroupV1", _CGROUP_V1)

    def _on_node(self, old: Object | None, new: Object | None) -> None:
        if new is not None and name_of(new) == self.agent.config.name:
            self.agent.observe(new)
            if old is None or get_path(old, "spec.podCIDR") != get_path(new, "spec.podCIDR"):
                self._news.set()

    async def _follow_node(self) -> None:
        """The pods' network waits for the Node's podCIDR, and the Ready condition for the network."""
        self._news.set()
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
        node = self.nodes.get(NamespacedName("", self.agent.config.name)) or {}
        cidr = self.configuration["podCIDR"] or get_path(node, "spec.podCIDR")
        if cidr:
            await self.runtime.update_pod_cidr(cidr)
            if self.agent.node is not None:
                await self.agent.report()

    async def _serving_context(self) -> ssl.SSLContext:
        settings = self.configuration
        context = await serving_context(
            settings["tlsCertFile"],
            settings["tlsPrivateKeyFile"],
            host=self.agent.config.name,
            client_ca_file=settings["authentication"]["x509"]["clientCAFile"],
        )
        restrict(context, settings["tlsMinVersion"], settings["tlsCipherSuites"])
        return context

    def _has_files_to_follow(self) -> bool:
        settings = self.configuration
        gate = gates_of(settings).enabled("ReloadKubeletServerCertificateFile")
        return bool(gate and settings["tlsCertFile"] and settings["tlsPrivateKeyFile"])

    def _stats(self) -> StatsEndpoints:
        from kubelet.server.stats import StatsEndpoints

        return StatsEndpoints(
            self.assembly.kubelet,
            self.guards.stats,
            self.assembly.probes.history,
            self.machine,
            self.guards.cgroups.usage,
            self.guards.rates,
            clock.now,
            tells_pressure=gates_of(self.configuration).enabled("KubeletPSI"),
        )

    async def _serve(
        self, context: ssl.SSLContext, stats: StatsEndpoints, checks: Mapping[str, Check]
    ) -> None:
        from kubelet.server.app import build_app
        from kubelet.server.identity import authenticator_of, authorizer_of
        from kubelet.server.serve import serve

        settings, name = self.configuration, self.agent.config.name
        app = build_app(
            self.assembly.kubelet,
            self.assembly.probes.history,
            stats,
            authenticator_of(self.client, settings),
            authorizer_of(self.client, name, settings),
            settings,
            checks,
            clock.now,
        )
        await serve(app, settings["address"], settings["port"], context)

    async def _serve_read_only(self, stats: StatsEndpoints, checks: Mapping[str, Check]) -> None:
        from kubelet.server.app import build_read_only_app
        from kubelet.server.serve import serve

        app = build_read_only_app(self.assembly.kubelet, stats, checks)
        await serve(app, self.configuration["address"], self.configuration["readOnlyPort"])

    def _health(self, checks: Mapping[str, Check]) -> HealthServer:
        settings = self.configuration
        return HealthServer(settings["healthzBindAddress"], settings["healthzPort"], checks)
