"""The endpoints that tell what is used: the summary, and metrics of resources, cAdvisor and probes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from apimachinery.objects import uid_of
from apimachinery.times import format_time
from component_base.metrics import CONTENT_TYPE
from kubelet.cgroups.scraped import read_scraped
from kubelet.kubelet import Kubelet
from kubelet.node.machine import Machine
from kubelet.probes.history import ProbeHistory
from kubelet.runtime.interface import ContainerRuntimeError
from kubelet.stats.cadvisor import Scrape, cadvisor_metrics
from kubelet.stats.claims import ClaimStats, inspect_claims, volume_metrics
from kubelet.stats.exposition import resource_metrics
from kubelet.stats.families import text_of
from kubelet.stats.filesystems import MountedFilesystem, inspect_filesystems
from kubelet.stats.logs import log_metrics
from kubelet.stats.node import AllPods, inspect_node, node_interfaces, node_usage_now
from kubelet.stats.patience import PatientLook
from kubelet.stats.pods import PodStatsProvider
from kubelet.stats.population import population_metrics
from kubelet.stats.probes import probe_metrics
from kubelet.stats.rates import CpuRates
from kubelet.stats.summary import Summary


class StatsEndpoints:
    """While the engine is away pods have no statistics, and the node has."""

    def __init__(
        self,
        kubelet: Kubelet,
        provider: PodStatsProvider,
        probes: ProbeHistory,
        machine: Machine,
        all_pods: AllPods,
        rates: CpuRates,
        now: Callable[[], datetime],
        *,
        tells_pressure: bool = True,
    ) -> None:
        self._kubelet = kubelet
        self._provider = provider
        self._probes = probes
        self._machine = machine
        self._all_pods = all_pods
        self._rates = rates
        self._now = now
        self._tells_pressure = tells_pressure
        # Volumes may be of servers that are gone.
        self._filesystems = PatientLook[Sequence[MountedFilesystem]](inspect_filesystems, ())
        self._claims = PatientLook[dict[str, list[ClaimStats]]](self._inspect_claims, {})

    async def resource(self, request: Request) -> Response:
        pods = self._kubelet.all_pods()
        try:
            usage = await self._provider.usage(pods)
        except ContainerRuntimeError:
            usage = {}
        found = [(pod, usage[uid_of(pod)]) for pod in pods if uid_of(pod) in usage]
        text = resource_metrics(found, await node_usage_now(), self._now().timestamp())
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    async def cadvisor(self, request: Request) -> Response:
        pods = self._kubelet.active_pods()
        try:
            stats = await self._provider.stats(pods)
        except ContainerRuntimeError:
            stats = {}
        found = [(pod, stats[uid_of(pod)]) for pod in pods if uid_of(pod) in stats]
        groups = [each.cgroup for used in stats.values() for each in used.groups]
        scrape = Scrape(
            now=self._now().timestamp(),
            machine=self._machine,
            node=await node_usage_now(),
            filesystems=await self._filesystems(),
            interfaces=node_interfaces(),
            groups=await asyncio.to_thread(lambda: {each: read_scraped(each) for each in groups}),
            tells_pressure=self._tells_pressure,
        )
        # With a hundred pods some twenty thousand lines, for which probes need not wait.
        text = await asyncio.to_thread(cadvisor_metrics, found, scrape)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    async def of_pods(self) -> str:
        """The part of /metrics that tells of pods, their logs and persistent volumes as they are now."""
        pods = self._kubelet.active_pods()
        try:
            disks = await self._provider.disks(pods)
        except ContainerRuntimeError:
            disks = {}
        claims = await self._claims()
        return text_of(
            [
                *population_metrics(self._kubelet.workers.records(), self._kubelet.mirror_count),
                log_metrics((pod, disks.get(uid_of(pod), {})) for pod in pods),
                *volume_metrics(each for found in claims.values() for each in found),
            ]
        )

    def _inspect_claims(self) -> dict[str, list[ClaimStats]]:
        """Blocks."""
        records = self._kubelet.workers.records()
        return {each.uid: list(inspect_claims(each.pod, each.volumes)) for each in records if each.volumes}

    async def probes(self, request: Request) -> Response:
        families = probe_metrics(self._kubelet.all_pods(), self._probes)
        return PlainTextResponse(text_of(families), media_type=CONTENT_TYPE)

    async def summary(self, request: Request) -> Response:
        """`only_cpu_and_memory=true` leaves out what has to be measured."""
        pods = self._kubelet.active_pods()
        brief = request.query_params.get("only_cpu_and_memory") == "true"
        try:
            stats = await (self._provider.usage(pods) if brief else self._provider.stats(pods))
            images = await self._kubelet.runtime.image_folder()
        except ContainerRuntimeError:
            stats, images = {}, ""
        node = await inspect_node(self._provider.root, Path(images), self._all_pods)
        claims = {} if brief else await self._claims()
        summary = Summary(
            next(iter(self._kubelet.agents)),
            node,
            format_time(self._now()),
            self._rates.latest,
            claims,
            tells_pressure=self._tells_pressure,
            is_brief=brief,
        )
        found = [(pod, stats[uid_of(pod)]) for pod in pods if uid_of(pod) in stats]
        return Response(orjson.dumps(summary.build(found)), media_type="application/json")
