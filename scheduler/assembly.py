"""How a scheduler is put together from a client: informers, cache, queue, profiles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random

from apimachinery.objects import Object
from apimachinery.scheme import (
    DEVICE_CLASSES,
    NAMESPACES,
    NODES,
    POD_DISRUPTION_BUDGETS,
    PODS,
    REPLICA_SETS,
    REPLICATION_CONTROLLERS,
    RESOURCE_CLAIMS,
    RESOURCE_SLICES,
    SERVICES,
    STATEFUL_SETS,
)
from client.event_series import SeriesRecorder
from client.informer import Informer, drop_managed_fields, run_all
from client.rest import Client
from scheduler import metrics
from scheduler.api import PodApi
from scheduler.cache import Cache
from scheduler.config import Configuration
from scheduler.default_selector import DefaultSelectors, Source
from scheduler.devices.claims import DeviceClaims
from scheduler.effects import Effects
from scheduler.event_handlers import EventHandlers
from scheduler.extender import Extender, HttpPost, ignored_resources
from scheduler.framework.interface import EventKind, Subject
from scheduler.framework.own import Handle, OwnPlugin
from scheduler.framework.profile import Profile
from scheduler.framework.waiting import WaitingPods
from scheduler.journal import Journal
from scheduler.nominator import Nominator
from scheduler.parts import Parts
from scheduler.plugins.registry import build_profile
from scheduler.pod_info import PodInfo, trim
from scheduler.preemption import Preemption
from scheduler.queue import SchedulingQueue, by_priority
from scheduler.scheduler import Scheduler
from scheduler.selection import Selector
from scheduler.volumes.binder import VolumeBinder
from scheduler.volumes.informers import StorageInformers
from scheduler.volumes.news import News

# Pods that have ended use nothing: upstream doesn't watch them either.
LIVE_PODS = "status.phase!=Succeeded,status.phase!=Failed"


@dataclass(frozen=True, slots=True)
class Assembly:
    """A scheduler with what feeds it."""

    informers: tuple[Informer, ...]
    recorders: tuple[SeriesRecorder, ...]
    queue: SchedulingQueue
    journal: Journal
    scheduler: Scheduler
    pods: Callable[[], Iterable[Object]]
    connections: tuple[HttpPost, ...] = ()

    async def aclose(self) -> None:
        """Ends the connections to extenders."""
        await asyncio.gather(*(each.aclose() for each in self.connections))

    async def feed(self) -> None:
        """Keeps the caches up to date and sends Events; never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(run_all(self.informers))
            for recorder in self.recorders:
                group.create_task(recorder.run())

    async def wait_synced(self) -> None:
        await asyncio.gather(*(informer.wait_synced() for informer in self.informers))

    @property
    def is_synced(self) -> bool:
        return all(informer.synced for informer in self.informers)


def assemble(
    client: Client,
    config: Configuration,
    random: Random,
    now: Callable[[], datetime],
    own: Sequence[type[OwnPlugin]] = (),
    *,
    host: str = "",
) -> Assembly:
    """`own` are plugins that profiles may enable besides the scheduler's; Events name the `host`."""
    # Extenders and plugins of one's own are shown pods as they are.
    transform = drop_managed_fields if config.extenders or own else trim
    pods = Informer(client, PODS, field_selector=LIVE_PODS, transform=transform)
    nodes, namespaces = Informer(client, NODES), Informer(client, NAMESPACES)
    services, budgets = Informer(client, SERVICES), Informer(client, POD_DISRUPTION_BUDGETS)
    controllers = {
        resource.kind: Informer(client, resource)
        for resource in (REPLICATION_CONTROLLERS, REPLICA_SETS, STATEFUL_SETS)
    }
    storage = StorageInformers(client)
    claims, classes = Informer(client, RESOURCE_CLAIMS), Informer(client, DEVICE_CLASSES)
    slices = Informer(client, RESOURCE_SLICES)
    of_devices = {
        EventKind.RESOURCE_CLAIM: claims,
        EventKind.DEVICE_CLASS: classes,
        EventKind.RESOURCE_SLICE: slices,
    }
    cache, nominator, news = Cache(), Nominator(), News()
    sources: dict[str, Source] = {**controllers}
    selectors = DefaultSelectors(services, sources)
    binder = VolumeBinder(storage.storage(), client, news, cache.labels_of_node, cache.pods.__contains__)
    devices = DeviceClaims(claims, classes, slices, client)
    waiting = WaitingPods()
    makers = {kind: partial(kind, handle=Handle(cache, waiting, client)) for kind in own}
    ignored = ignored_resources(config.extenders)
    profiles = {
        each.name: build_profile(each, selectors, cache.namespaces, binder, devices, ignored, makers)
        for each in config.profiles
    }
    queue = SchedulingQueue(
        asyncio.get_running_loop().time,
        partial(may_help, profiles),
        held_back_by=lambda pod: profiles[pod.scheduler_name].held_back_by(pod),
        sort_key=next(iter(profiles.values())).sort_key or by_priority,
        initial_backoff=config.initial_backoff,
        max_backoff=config.max_backoff,
        max_unschedulable=config.max_unschedulable,
    )
    handlers = EventHandlers(cache, queue, nominator, selectors, profiles, news, waiting)
    pods.add_handler(handlers.pod)
    nodes.add_handler(handlers.node)
    namespaces.add_handler(handlers.namespace)
    for kind, informer in (*storage, *of_devices.items()):
        informer.add_handler(partial(handlers.storage, kind))
    for informer in (services, *controllers.values()):
        informer.add_handler(handlers.owner)
    recorders = {name: SeriesRecorder(client, name, host, now=now) for name in profiles}
    journal = Journal()
    connections = tuple(map(HttpPost, config.extenders))
    parts = Parts(
        api=PodApi(client),
        cache=cache,
        queue=queue,
        nominator=nominator,
        selector=Selector(cache, nominator, random),
        preemption=Preemption(cache, nominator, random, budgets.list),
        profiles=profiles,
        recorders=recorders,
        effects=Effects(),
        journal=journal,
        pod=pods.get,
        now=now,
        waiting=waiting,
        extenders=[
            Extender(each, post, nodes.get) for each, post in zip(config.extenders, connections, strict=True)
        ],
    )
    metrics.initialize(list(profiles))
    metrics.watch_queue(queue.counts)
    metrics.watch_cache(cache.sizes)
    informers = (
        pods, nodes, namespaces, services, budgets, *controllers.values(), *dict(storage).values(),
        *of_devices.values(),
    )  # fmt: skip
    told = tuple(recorders.values())
    return Assembly(informers, told, queue, journal, Scheduler(parts), pods.list, connections)


def may_help(
    profiles: dict[str, Profile],
    pod: PodInfo,
    rejected_by: Iterable[str],
    kinds: Iterable[EventKind],
    subject: Subject,
) -> bool:
    return profiles[pod.scheduler_name].may_help(pod, rejected_by, kinds, subject)
