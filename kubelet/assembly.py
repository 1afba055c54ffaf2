"""Puts a Kubelet together from its seams: the same for a real node, hollow nodes and tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from client.informer import Informer
from client.rest import Client
from kubelet.cgroups.tree import NoCgroups, PodCgroups
from kubelet.events import Recorder
from kubelet.housekeeping import Housekeeping
from kubelet.images.manager import ImageManager, PullLimits
from kubelet.journal import Journal
from kubelet.kubelet import Kubelet, References
from kubelet.metrics import NODE_NAME
from kubelet.node.agent import NodeAgent
from kubelet.pods.allocation_manager import AllocationManager
from kubelet.pods.backoff import Backoff
from kubelet.pods.devices import Devices
from kubelet.pods.image_volumes import ImageVolumes
from kubelet.pods.preparer import Preparer
from kubelet.pods.remover import PodRemover
from kubelet.pods.reporter import PodReporter
from kubelet.pods.resizer import Resizer
from kubelet.pods.runtime_classes import RuntimeClasses
from kubelet.pods.sandboxes import SandboxMaker
from kubelet.pods.starter import ContainerStarter
from kubelet.pods.startup import StartupTimes
from kubelet.pods.status_manager import StatusManager
from kubelet.pods.sync import PodSync
from kubelet.pods.termination import Terminator
from kubelet.pods.workers import PodWorkers
from kubelet.probes.manager import ProbeManager
from kubelet.probes.prober import Prober
from kubelet.runtime.interface import Runtime
from kubelet.runtime.observed import observed
from kubelet.settings import NodeFacts, PodSettings
from kubelet.static_pods.mirrors import MirrorPods
from kubelet.static_pods.sources import Manifests
from kubelet.volumes.manager import NoVolumes, VolumeManager


@dataclass(frozen=True, slots=True)
class Seams:
    """What differs between a real node, hollow nodes and tests."""

    runtime: Runtime
    prober: Prober
    preparer: Preparer
    volumes: VolumeManager | NoVolumes
    references: References
    recorder: Recorder
    manifests: Sequence[Manifests] = ()
    pressures: Callable[[], Collection[str]] = tuple
    """The conditions of the node that eviction looks after."""
    is_shutting_down: Callable[[], bool] = bool
    cgroups: PodCgroups = field(default_factory=NoCgroups)


class Waker:
    """Lets parts that are made before the workers wake them."""

    def __init__(self) -> None:
        self.workers: PodWorkers | None = None

    def wake(self, uid: str) -> None:
        if self.workers is not None:
            self.workers.wake(uid)

    def wake_all(self, uids: set[str]) -> None:
        for uid in uids:
            self.wake(uid)


@dataclass(slots=True)
class Assembly:
    """A Kubelet, and those of its parts that others ask or that have to be closed."""

    kubelet: Kubelet
    workers: PodWorkers
    probes: ProbeManager
    statuses: StatusManager

    async def aclose(self) -> None:
        """Stops working; containers go on."""
        await self.workers.aclose()
        await self.probes.aclose()
        await self.statuses.aclose()


def assemble(
    *,
    client: Client,
    seams: Seams,
    agents: Mapping[str, NodeAgent],
    pods: Informer,
    settings: PodSettings,
    waker: Waker,
    now: Callable[[], datetime],
    rng: random.Random,
    pull_limits: PullLimits | None = None,
) -> Assembly:
    """A Kubelet for the nodes of `agents`, by name. The `waker` is given the workers that are made here."""
    seams = replace(seams, runtime=observed(seams.runtime))
    if len(agents) == 1:
        NODE_NAME.labels(*agents).set(1)
    journal, statuses = Journal(now), StatusManager(client)
    probes = ProbeManager(seams.prober, seams.recorder, waker.wake, now, rng)
    startup = StartupTimes(lambda: now().timestamp())
    sync = _pod_sync(
        client=client,
        seams=seams,
        settings=settings,
        images=ImageManager(seams.runtime, seams.recorder, pull_limits, startup.pulling),
        facts=lambda node: agents[node].facts(),
        statuses=statuses,
        probes=probes,
        journal=journal,
        now=now,
    )
    workers = waker.workers = PodWorkers(sync.sync, settings.resync_seconds)
    kubelet = Kubelet(
        agents=agents,
        pods=pods,
        runtime=seams.runtime,
        workers=workers,
        manifests=seams.manifests,
        mirrors=MirrorPods(client, pods, lambda node: agents[node].node),
        statuses=statuses,
        references=seams.references,
        housekeeping=Housekeeping(
            seams.runtime, workers, seams.cgroups, seams.volumes, seams.recorder, next(iter(agents)), now
        ),
        allocation=AllocationManager(
            agents, lambda node: agents[node].node, seams.pressures, seams.is_shutting_down, settings
        ),
        recorder=seams.recorder,
        journal=journal,
        startup=startup,
        now=now,
    )
    return Assembly(kubelet, workers, probes, statuses)


def _pod_sync(
    *,
    client: Client,
    seams: Seams,
    settings: PodSettings,
    images: ImageManager,
    facts: Callable[[str], NodeFacts],
    statuses: StatusManager,
    probes: ProbeManager,
    journal: Journal,
    now: Callable[[], datetime],
) -> PodSync:
    """With all that one pass over one pod needs; `facts` tells of a node by its name."""
    runtime, recorder, cgroups = seams.runtime, seams.recorder, seams.cgroups
    gate = asyncio.Semaphore(settings.concurrent_starts)
    terminator = Terminator(runtime, recorder)
    resizer = Resizer(runtime, cgroups, facts, settings)
    return PodSync(
        runtime=runtime,
        reporter=PodReporter(runtime, statuses, probes, resizer, facts, settings.gates, now),
        probes=probes,
        starter=ContainerStarter(
            runtime,
            images,
            ImageVolumes(images, seams.volumes, recorder),
            seams.preparer,
            terminator,
            recorder,
            journal,
            gate,
            now,
            Backoff(settings.first_restart, settings.longest_restart),
        ),
        terminator=terminator,
        resizer=resizer,
        sandboxes=SandboxMaker(
            runtime, cgroups, RuntimeClasses(client), Devices(client), recorder, journal, gate, settings
        ),
        volumes=seams.volumes,
        remover=PodRemover(runtime, cgroups, seams.volumes),
        recorder=recorder,
        journal=journal,
        now=now,
    )
