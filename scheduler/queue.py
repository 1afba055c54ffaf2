"""The scheduling queue: which pod is next, and which pods wait for what.

A pod is in one of three places: active (to be tried, by priority and time), backing off (tried in vain, and
something has happened since), or unschedulable (nothing has happened that could help). Pods that a plugin
holds back, those with scheduling gates for one, are unschedulable until it doesn't. Nothing here does I/O or
decides where a pod goes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import floor

from apimachinery.objects import annotations_of
from apimachinery.resource_claims import claims_of_pod
from component_base.backoff import exponential
from scheduler.config import MAX_IN_UNSCHEDULABLE
from scheduler.framework.interface import EventKind, Subject
from scheduler.heap import Heap
from scheduler.metrics import count_queued
from scheduler.pod_info import PodInfo, asks_for_less

# Seconds.
INITIAL_BACKOFF, MAX_BACKOFF = 1.0, 10.0
# Seconds between two looks for pods that have been unschedulable for long.
FLUSH_INTERVAL = 30.0
# Why pods come to a queue, beside what happens in the cluster: labels of a metric.
_ADDED, _FAILED, _TIMEOUT = "UnschedulablePodAdd", "ScheduleAttemptFailure", "UnschedulableTimeout"
_BACKOFF_COMPLETE, _EARLY = "BackoffComplete", "PopFromBackoffQ"


@dataclass(frozen=True, slots=True)
class QueuedPod:
    """A pod with its history in the queue. Times are those of the clock given to the queue."""

    pod: PodInfo
    added: float
    timestamp: float  # since when it is where it is
    attempts: int = 0
    rejections: int = 0  # how often no node was found
    errors: int = 0  # how often in a row an attempt went wrong
    rejected_by: frozenset[str] = frozenset()
    gated_by: str = ""  # the plugin that keeps it from being tried
    ready_since: float | None = None  # when it could first be tried

    @property
    def is_gated(self) -> bool:
        return bool(self.gated_by)


# The plugin that keeps a pod from being tried, or "".
HeldBackBy = Callable[[PodInfo], str]
# What pods are sorted by, the least first: the pod, and the time since when it may be tried.
SortKey = Callable[[PodInfo, float], tuple[float, ...]]
# Whether one of the plugins that rejected a pod thinks that an event may have changed that.
MayHelp = Callable[[PodInfo, Iterable[str], Iterable[EventKind], Subject], bool]


def by_priority(pod: PodInfo, since: float) -> tuple[float, ...]:
    return (-pod.priority, since)


def by_gates(pod: PodInfo) -> str:
    return "SchedulingGates" if pod.gates else ""


class SchedulingQueue:
    """`clock` gives seconds, as the loop's time does; the other functions ask the plugins."""

    def __init__(
        self,
        clock: Callable[[], float],
        may_help: MayHelp,
        *,
        held_back_by: HeldBackBy = by_gates,
        sort_key: SortKey = by_priority,
        initial_backoff: float = INITIAL_BACKOFF,
        max_backoff: float = MAX_BACKOFF,
        max_unschedulable: float = MAX_IN_UNSCHEDULABLE,
    ) -> None:
        self._clock = clock
        self._may_help = may_help
        self._held_back_by, self._sort_key = held_back_by, sort_key
        self._initial_backoff, self._max_backoff = initial_backoff, max_backoff
        self._max_unschedulable = max_unschedulable
        self._active: Heap[QueuedPod] = Heap()
        self._backoff: Heap[QueuedPod] = Heap()
        self._error_backoff: Heap[QueuedPod] = Heap()
        self._unschedulable: dict[str, QueuedPod] = {}
        self._wakeup = asyncio.Event()
        self._held, self._missed = "", False

    def counts(self) -> dict[str, int]:
        gated = sum(each.is_gated for each in self._unschedulable.values())
        return {
            "active": len(self._active),
            "backoff": len(self._backoff) + len(self._error_backoff),
            "unschedulable": len(self._unschedulable) - gated,
            "gated": gated,
        }

    def rejections(self) -> Counter[tuple[str, str]]:
        """How many pods each plugin has rejected, or holds back, in each profile."""
        return Counter(
            (plugin, queued.pod.scheduler_name)
            for queued in self.pending()
            for plugin in {*queued.rejected_by, queued.gated_by} - {""}
        )

    def pending(self) -> Iterable[QueuedPod]:
        yield from self._active
        yield from self._backoff
        yield from self._error_backoff
        yield from self._unschedulable.values()

    def get(self, uid: str) -> QueuedPod | None:
        found = (heap.get(uid) for heap in self._heaps)
        return next(filter(None, found), None) or self._unschedulable.get(uid)

    @property
    def _heaps(self) -> tuple[Heap[QueuedPod], ...]:
        return self._active, self._backoff, self._error_backoff

    # Pods that are decided on with waits in between

    def hold(self, uid: str) -> None:
        """From now until `release`, events that may help this pod are taken note of."""
        self._held, self._missed = uid, False

    def release(self) -> bool:
        """Whether something has happened meanwhile."""
        self._held = ""
        return self._missed

    # In

    def add(self, pod: PodInfo) -> None:
        now = self._clock()
        self._place(QueuedPod(pod, now, now), _ADDED)

    def update(self, pod: PodInfo) -> None:
        """The pod itself has changed, which may be what it waited for."""
        queued = self.get(pod.uid)
        if pod.uid == self._held:
            self._missed = True
        elif queued is None:
            self.add(pod)
        elif pod.uid in self._unschedulable:
            old, queued = queued.pod, replace(queued, pod=pod)
            if _matters(old, pod) or self._is_helped_by_annotations(queued, old):
                del self._unschedulable[pod.uid]
                self._place(queued, _change(old, pod))
            else:
                self._unschedulable[pod.uid] = queued
        else:
            heap = next(heap for heap in self._heaps if pod.uid in heap)
            self._push(heap, replace(queued, pod=pod))

    def delete(self, uid: str) -> None:
        for heap in self._heaps:
            heap.remove(uid)
        self._unschedulable.pop(uid, None)

    def add_unschedulable(self, queued: QueuedPod, rejected_by: frozenset[str]) -> None:
        """Back from an attempt that found no node."""
        rejections = queued.rejections + 1
        failed = replace(
            queued, timestamp=self._clock(), rejected_by=rejected_by, rejections=rejections, errors=0
        )
        self._unschedulable[failed.pod.uid] = failed
        count_queued("unschedulable", _FAILED)

    def add_failed(self, queued: QueuedPod) -> None:
        """Back from an attempt that went wrong: no event will tell when to try again, so time does."""
        errors = queued.errors + 1
        failed = replace(queued, timestamp=self._clock(), rejected_by=frozenset(), errors=errors)
        self._push(self._error_backoff, failed)
        count_queued("backoff", _FAILED)

    def _place(self, queued: QueuedPod, event: str) -> None:
        """Where a pod belongs that has a reason to be tried, which is the event."""
        if gated_by := self._held_back_by(queued.pod):
            count_queued("unschedulable", event)
            self._unschedulable[queued.pod.uid] = replace(queued, gated_by=gated_by)
            return
        if queued.gated_by or queued.ready_since is None:
            ready_since = self._clock() if queued.ready_since is None else queued.ready_since
            queued = replace(queued, gated_by="", ready_since=ready_since)
        if self._backs_off(queued):
            self._push(self._backoff, queued)
            count_queued("backoff", event)
        else:
            self._push(self._active, queued)
            count_queued("active", event)

    def _push(self, heap: Heap[QueuedPod], queued: QueuedPod) -> None:
        rank = self._sort_key(queued.pod, queued.timestamp)
        if heap is self._backoff:
            rank = (floor(self._ready_at(queued)), *rank)
        elif heap is self._error_backoff:
            rank = (self._ready_at(queued),)
        heap.push(queued.pod.uid, rank, queued)
        self._wakeup.set()

    def _ready_at(self, queued: QueuedPod) -> float:
        """The end of the back-off: 1 s after the first failure, doubling to 10 s.

        Errors count as long as they go on, and rejections apart from them.
        """
        failures = queued.errors or queued.rejections
        if not failures:
            return queued.timestamp
        return queued.timestamp + exponential(self._initial_backoff, self._max_backoff, failures - 1)

    def _backs_off(self, queued: QueuedPod) -> bool:
        """Pods whose back-off ends within the same second are through with it together, and go by rank."""
        ready_at = self._ready_at(queued)
        return ready_at > queued.timestamp and floor(ready_at) >= floor(self._clock())

    # Events

    def wake(self, kinds: Iterable[EventKind], subject: Subject) -> None:
        """Moves the pods that the event may help; each still waits out its back-off."""
        kinds = tuple(kinds)
        self._missed = self._missed or bool(kinds)
        if not kinds or not self._unschedulable:
            return
        helped = [
            (queued, kind)
            for queued in self._unschedulable.values()
            if (kind := self._help_of(queued, kinds, subject)) is not None
        ]
        for queued, kind in helped:
            del self._unschedulable[queued.pod.uid]
            self._place(queued, kind.label(subject))

    def _help_of(self, queued: QueuedPod, kinds: Iterable[EventKind], subject: Subject) -> EventKind | None:
        """The first kind that may help; without the name of a plugin (there was no node at all) any may."""
        rejected_by = (queued.gated_by,) if queued.gated_by else queued.rejected_by
        return next(
            (
                kind
                for kind in kinds
                if not rejected_by or self._may_help(queued.pod, rejected_by, (kind,), subject)
            ),
            None,
        )

    def _is_helped_by_annotations(self, queued: QueuedPod, old: PodInfo) -> bool:
        pod = queued.pod
        if annotations_of(old.pod) == annotations_of(pod.pod):
            return False
        return self._help_of(queued, (EventKind.POD_ITSELF,), Subject(old=old, new=pod)) is not None

    def retry(self, uid: str) -> None:
        """What an unschedulable pod waited for went wrong: it is as if its attempt had."""
        queued = self._unschedulable.get(uid)
        if queued is not None and not queued.is_gated:
            del self._unschedulable[uid]
            self.add_failed(queued)

    def flush(self) -> None:
        """Gives pods another chance that have been unschedulable for long."""
        limit = self._clock() - self._max_unschedulable
        for uid, queued in list(self._unschedulable.items()):
            if not queued.is_gated and queued.timestamp <= limit:
                del self._unschedulable[uid]
                self._place(queued, _TIMEOUT)

    # Out

    def pop(self) -> QueuedPod | None:
        """The next pod to try; None while there is none. Idle time is used for pods that still back off."""
        while (first := self._backoff.first()) is not None and not self._backs_off(first):
            self._backoff.remove(first.pod.uid)
            self._push(self._active, first)
            count_queued("active", _BACKOFF_COMPLETE)
        while (first := self._error_backoff.first()) is not None and self._ready_at(first) <= self._clock():
            self._error_backoff.remove(first.pod.uid)
            self._push(self._active, first)
            count_queued("active", _BACKOFF_COMPLETE)
        # As upstream does since 1.33: back-off is to leave time for other pods, and there are none.
        queued = self._active.pop()
        if queued is None and (queued := self._backoff.pop()) is not None:
            count_queued("active", _EARLY)
        return None if queued is None else replace(queued, attempts=queued.attempts + 1)

    async def wait(self) -> None:
        """Returns when `pop` may have something."""
        first = self._error_backoff.first()
        delay = None if first is None else max(self._ready_at(first) - self._clock(), 0)
        self._wakeup.clear()
        if len(self._active) or len(self._backoff):
            return
        try:
            async with asyncio.timeout(delay):
                await self._wakeup.wait()
        except TimeoutError:
            return


def _matters(old: PodInfo, new: PodInfo) -> bool:
    """Whether the change may make a waiting pod schedulable.

    Of its status only the names of its claims may; its annotations are for plugins of one's own to judge.
    """
    return (
        old.spec is not new.spec
        or old.labels != new.labels
        or old.gates != new.gates
        or old.priority != new.priority
        or set(claims_of_pod(old.pod)) != set(claims_of_pod(new.pod))
    )


def _change(old: PodInfo, new: PodInfo) -> str:
    """What upstream calls the change of a pod that waits: the first that there is a name for."""
    what = {
        "PodLabel": old.labels != new.labels,
        "PodScaleDown": asks_for_less(old, new),
        "PodSchedulingGatesEliminated": bool(old.gates and not new.gates),
        "PodToleration": len(old.spec.tolerations) != len(new.spec.tolerations),
        "PodGeneratedResourceClaim": set(claims_of_pod(old.pod)) != set(claims_of_pod(new.pod)),
    }
    return f"{EventKind.POD_ITSELF}{next((name for name, changed in what.items() if changed), '')}"
