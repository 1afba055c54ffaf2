"""What a scheduler is made of, and what its parts ask of the outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from apimachinery.objects import NamespacedName, Object
from scheduler.cache import Cache
from scheduler.effects import Effects
from scheduler.extender import Extender
from scheduler.framework.profile import Profile
from scheduler.framework.waiting import WaitingPods
from scheduler.journal import Journal
from scheduler.nominator import Nominator
from scheduler.pod_info import PodInfo
from scheduler.preemption import Preemption
from scheduler.queue import SchedulingQueue
from scheduler.selection import Selector


class Api(Protocol):
    async def bind(self, pod: PodInfo, node: str) -> None: ...

    async def patch_status(self, pod: PodInfo, patch: Object) -> None: ...

    async def delete(self, pod: PodInfo) -> None: ...


class Recorder(Protocol):
    def event(
        self, obj: Object, type: str, reason: str, action: str, note: str, *, related: Object | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """`pod` finds the newest known object of a pod."""

    api: Api
    cache: Cache
    queue: SchedulingQueue
    nominator: Nominator
    selector: Selector
    preemption: Preemption
    profiles: Mapping[str, Profile]
    recorders: Mapping[str, Recorder]
    effects: Effects
    journal: Journal
    pod: Callable[[NamespacedName], Object | None]
    now: Callable[[], datetime]
    extenders: Sequence[Extender] = ()
    waiting: WaitingPods = field(default_factory=WaitingPods)

    def interested(self, pod: PodInfo) -> list[Extender]:
        """The extenders that look after something which the pod wants."""
        return [each for each in self.extenders if each.is_interested(pod)]
