"""How a scheduler is put together from a client: informers, cache, queue, profiles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random

from apimachinery.objects import Object
from client.event_series import SeriesRecorder
from client.informer import Informer, run_all
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
from scheduler.informers import Informers
from scheduler.journal import Journal
from scheduler.nominator import Nominator
from scheduler.parts import Parts
from scheduler.plugins.registry import build_profile
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption
from scheduler.queue import SchedulingQueue, by_priority
from scheduler.scheduler import Scheduler
from scheduler.selection import Selector
from scheduler.volumes.binder import VolumeBinder
from scheduler.volumes.news import News


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
    informers = Informers(client, whole_pods=bool(config.extenders or own))
    cache, nominator, news, waiting = Cache(), Nominator(), News(), WaitingPods()
    sources: dict[str, Source] = {**informers.controllers}
    selectors = DefaultSelectors(informers.services, sources)
    binder = VolumeBinder(
        informers.storage.storage(), client, news, cache.labels_of_node, cache.pods.__contains__
    )
    devices = DeviceClaims(informers.claims, informers.device_classes, informers.device_slices, client)
    makers = {kind: partial(kind, handle=Handle(cache, waiting, client)) for kind in own}
    ignored = ignored_resources(config.extenders)
    profiles = {
        each.name: build_profile(each, selectors, cache.namespaces, binder, devices, ignored, makers)
        for each in config.profiles
    }
    queue = _queue(config, profiles)
    informers.tell(EventHandlers(cache, queue, nominator, selectors, profiles, news, waiting))
    recorders = {name: SeriesRecorder(client, name, host, now=now) for name in profiles}
    journal = Journal()
    posts = tuple(map(HttpPost, config.extenders))
    parts = Parts(
        api=PodApi(client),
        cache=cache,
        queue=queue,
        nominator=nominator,
        selector=Selector(cache, nominator, random),
        preemption=Preemption(cache, nominator, random, informers.budgets.list),
        profiles=profiles,
        recorders=recorders,
        effects=Effects(),
        journal=journal,
        pod=informers.pods.get,
        now=now,
        waiting=waiting,
        extenders=[
            Extender(each, post, informers.nodes.get)
            for each, post in zip(config.extenders, posts, strict=True)
        ],
    )
    metrics.initialize(list(profiles))
    metrics.watch_queue(queue.counts)
    metrics.watch_cache(cache.sizes)
    told = tuple(recorders.values())
    return Assembly(tuple(informers), told, queue, journal, Scheduler(parts), informers.pods.list, posts)


def _queue(config: Configuration, profiles: dict[str, Profile]) -> SchedulingQueue:
    return SchedulingQueue(
        asyncio.get_running_loop().time,
        partial(may_help, profiles),
        held_back_by=lambda pod: profiles[pod.scheduler_name].held_back_by(pod),
        sort_key=next(iter(profiles.values())).sort_key or by_priority,
        initial_backoff=config.initial_backoff,
        max_backoff=config.max_backoff,
        max_unschedulable=config.max_unschedulable,
    )


def may_help(
    profiles: dict[str, Profile],
    pod: PodInfo,
    rejected_by: Iterable[str],
    kinds: Iterable[EventKind],
    subject: Subject,
) -> bool:
    return profiles[pod.scheduler_name].may_help(pod, rejected_by, kinds, subject)
