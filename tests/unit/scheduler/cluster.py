"""A scheduler of its own, with a recorded API, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from random import Random

from apimachinery.errors import ConflictError, ForbiddenError
from apimachinery.objects import NamespacedName, Object, key_of
from scheduler.assembly import may_help
from scheduler.cache import Cache
from scheduler.config import ProfileConfig
from scheduler.default_selector import DefaultSelectors
from scheduler.devices.claims import DeviceClaims
from scheduler.effects import Effects
from scheduler.event_handlers import EventHandlers
from scheduler.extender import Extender
from scheduler.framework.own import OwnPlugin
from scheduler.framework.waiting import WaitingPods
from scheduler.journal import Journal
from scheduler.nominator import Nominator
from scheduler.parts import Parts
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption
from scheduler.queue import SchedulingQueue
from scheduler.scheduler import Scheduler
from scheduler.selection import Selector
from tests.unit.scheduler.builders import RecordedStorage, make_profile

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Nothing:
    def get(self, key: NamespacedName) -> None:
        return None

    def list(self, namespace: str | None = None) -> list[Object]:
        return []


class Cluster:
    """A scheduler, the objects it sees, and a log of what it asks of the API."""

    def __init__(
        self,
        extenders: Sequence[Extender] = (),
        own: Sequence[type[OwnPlugin]] = (),
        own_args: Mapping[str, Object] | None = None,
        devices: DeviceClaims | None = None,
    ) -> None:
        """`own` plugins are enabled at every point that they have something for, `own_args` are theirs."""
        self.objects: dict[NamespacedName, Object] = {}
        self.log: list[str] = []
        self.patches: list[Object] = []
        self.refuse_binding = False
        self.refuse_deletion = False
        cache, nominator, random = Cache(), Nominator(), Random(0)
        self.storage = RecordedStorage(lag=0.1)
        binders = [{"name": each.name} for each in own if hasattr(each, "bind")]
        enabled = {
            "multiPoint": {"enabled": [{"name": each.name} for each in own]},
            "bind": {"enabled": [*binders, {"name": "DefaultBinder"}]},
        }
        self.waiting = WaitingPods()
        profile = make_profile(
            cache, ProfileConfig(plugins=enabled, own_args=own_args or {}), recorded=self.storage, own=own,
            waiting=self.waiting, devices=devices,
        )  # fmt: skip
        profiles = {profile.name: profile}
        queue = SchedulingQueue(
            asyncio.get_running_loop().time, partial(may_help, profiles), held_back_by=profile.held_back_by
        )
        selectors = DefaultSelectors(Nothing(), {})
        self.handlers = EventHandlers(
            cache, queue, nominator, selectors, profiles, self.storage.news, self.waiting
        )
        self.plugins = profile.plugins
        self.journal = Journal()
        self.cache = cache
        self.scheduler = Scheduler(
            Parts(
                api=self, cache=cache, queue=queue, nominator=nominator,
                selector=Selector(cache, nominator, random),
                preemption=Preemption(cache, nominator, random), profiles=profiles,
                recorders={profile.name: self}, effects=Effects(), journal=self.journal,
                pod=self.objects.get, now=lambda: NOW, extenders=extenders, waiting=self.waiting,
            )
        )  # fmt: skip

    def put(self, pod: Object) -> None:
        old = self.objects.get(key_of(pod))
        self.objects[key_of(pod)] = pod
        self.handlers.pod(old, pod)

    def remove(self, name: str) -> None:
        self.handlers.pod(self.objects.pop(NamespacedName("default", name)), None)

    @property
    def bindings(self) -> list[str]:
        return [line for line in self.log if line.startswith("bind")]

    async def bind(self, pod: PodInfo, node: str) -> None:
        await asyncio.sleep(0.01)
        if self.refuse_binding:
            raise ConflictError("pods", pod.key.name, "it is assigned already")
        self.log.append(f"bind {pod.key.name} {node}")
        bound = {**pod.pod, "spec": {**pod.pod["spec"], "nodeName": node}}
        asyncio.get_running_loop().call_later(0.05, self.put, bound)

    async def patch_status(self, pod: PodInfo, patch: Object) -> None:
        self.patches.append(patch)

    async def delete(self, pod: PodInfo) -> None:
        if self.refuse_deletion:
            raise ForbiddenError("pods", pod.key.name, "no")
        self.log.append(f"delete {pod.key.name}")

    def event(
        self, obj: Object, type: str, reason: str, action: str, note: str, *, related: Object | None = None
    ) -> None:
        self.log.append(f"{type} {reason} {note}")


@asynccontextmanager
async def running(
    *extenders: Extender,
    own: Sequence[type[OwnPlugin]] = (),
    own_args: Mapping[str, Object] | None = None,
    devices: DeviceClaims | None = None,
) -> AsyncIterator[Cluster]:
    cluster = Cluster(extenders, own, own_args, devices)
    task = asyncio.create_task(cluster.scheduler.run())
    yield cluster
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
