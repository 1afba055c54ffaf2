"""Pod workers: at most one task per pod, made when there is something to do and gone when there is not.

Wakes coalesce; a pod is never synced twice at once. Ending a pod interrupts what is being done for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from component_base import tracing
from component_base.backoff import exponential
from component_base.first_of import first_error
from component_base.logs import log_fields
from kubelet.metrics import SYNC_DURATION
from kubelet.pods.record import PodRecord
from kubelet.references import pod_full_name
from kubelet.runtime.interface import RuntimeUnavailable
from kubelet.tasks import TaskSet

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.5, 10.0

Sync = Callable[[PodRecord], Awaitable[float | None]]
"""One pass over a pod; returns the seconds until the next, or None."""


class PodWorkers:
    def __init__(self, sync: Sync, resync_seconds: float = 60.0) -> None:
        """A pod is looked at after `resync_seconds` even if nothing happens."""
        self._sync = sync
        self._resync = resync_seconds
        self._records: dict[str, PodRecord] = {}
        self._tasks: TaskSet[str] = TaskSet("pod-worker")
        self._running: dict[str, asyncio.Task[None]] = {}
        self._dirty: set[str] = set()
        self._interrupted: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._retries: dict[str, int] = {}
        self._gone_handlers: list[Callable[[PodRecord], None]] = []

    def add_gone_handler(self, handler: Callable[[PodRecord], None]) -> None:
        """Called when nothing of a pod is left."""
        self._gone_handlers.append(handler)

    def __len__(self) -> int:
        return len(self._records)

    def get(self, uid: str) -> PodRecord | None:
        return self._records.get(uid)

    def records(self) -> list[PodRecord]:
        return list(self._records.values())

    def add(self, record: PodRecord) -> None:
        self._records[record.uid] = record
        self.wake(record.uid)

    def wake(self, uid: str) -> None:
        """Has the pod looked at soon. Of a pod that is not known, nothing is done."""
        if uid not in self._records:
            return
        timer = self._timers.pop(uid, None)
        if timer is not None:
            timer.cancel()
        record = self._records[uid]
        record.woken.set()
        if uid in self._tasks:
            self._dirty.add(uid)
        else:
            self._tasks.start(uid, self._work(record))

    def interrupt(self, uid: str) -> None:
        """Wakes the pod's worker, breaking off what it is doing: the plan it follows is void.

        Once is enough: a second time would break off what the first has it wait for.
        """
        running = self._running.get(uid)
        self.wake(uid)
        if running is not None and uid not in self._interrupted:
            self._interrupted.add(uid)
            running.cancel()

    async def aclose(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        await self._tasks.aclose()

    async def _work(self, record: PodRecord) -> None:
        uid, task = record.uid, asyncio.current_task()
        assert task is not None
        delay: float | None = 0.0
        while delay == 0.0 or uid in self._dirty:
            self._dirty.discard(uid)
            self._running[uid] = task
            try:
                delay = await self._once(record)
            except asyncio.CancelledError:
                if uid not in self._interrupted:
                    raise
                task.uncancel()
                delay = 0.0
            finally:
                self._interrupted.discard(uid)
                self._running.pop(uid, None)
        self._tasks.finished(uid)
        if record.gone:
            self._forget(record)
        else:
            self._wake_later(uid, self._resync if delay is None else min(delay, self._resync))

    async def _once(self, record: PodRecord) -> float | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        version = record.pod["metadata"].get("resourceVersion", "")
        try:
            with tracing.span(tracing.new_span([version])), log_fields(pod=pod_full_name(record.pod)):
                delay = await self._sync(record)
        except Exception as error:
            return self._retry(record, first_error(error))
        finally:
            SYNC_DURATION.labels("sync").observe(loop.time() - began)
        self._retries.pop(record.uid, None)
        return delay

    def _retry(self, record: PodRecord, error: Exception) -> float:
        tries = self._retries.get(record.uid, 0)
        self._retries[record.uid] = tries + 1
        pod = pod_full_name(record.pod)
        if isinstance(error, RuntimeUnavailable):
            log.warning("Sync waits for the container runtime: pod=%s error=%s", pod, error)
        else:
            log.error("Sync failed, will retry: pod=%s", pod, exc_info=error)
        return exponential(FIRST_RETRY, LAST_RETRY, tries)

    def _wake_later(self, uid: str, delay: float) -> None:
        self._timers[uid] = asyncio.get_running_loop().call_later(delay, self.wake, uid)

    def _forget(self, record: PodRecord) -> None:
        self._records.pop(record.uid, None)
        self._dirty.discard(record.uid)
        self._retries.pop(record.uid, None)
        for handler in self._gone_handlers:
            handler(record)
