"""The one reconcile loop: watches feed a queue of keys, workers reconcile them, outcomes decide what next.

An exception means back off and retry, a TerminalError record and drop, a number look again after so many
seconds, None that all is well until something changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from apimachinery.errors import ConflictError, StatusError
from apimachinery.objects import (
    NamespacedName,
    Object,
    controller_of,
    key_of,
    namespace_of,
    resource_version_of,
)
from client.errors import ConnectionFailed, is_namespace_terminating
from client.informer import Handler, Informer
from client.workqueue import WorkQueue
from component_base import tracing
from component_base.first_of import first_error
from component_base.logs import log_fields

log = logging.getLogger(__name__)

Reconcile = Callable[[NamespacedName], Awaitable[float | None]]
"""Drives one object towards its spec. Returns the seconds until the next look, or None."""

Map = Callable[[Object], Iterable[NamespacedName]]
Changed = Callable[[Object | None, Object | None], bool]


class NotYetError(Exception):
    """As things are it can't be done: tried again, and a line in the log says why."""


class TerminalError(Exception):
    """Trying again is no use until something changes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Which changes of a resource concern which keys. Old and new state are both mapped.

    `changed` may say that a change (old, new) is of no interest; after `delay` seconds others may have joined
    it.
    """

    informer: Informer
    map: Map
    changed: Changed | None = None
    delay: float = 0.0


def by_name(obj: Object) -> Iterable[NamespacedName]:
    """The object itself."""
    return (key_of(obj),)


def by_owner(kind: str) -> Map:
    """The controller of the object, if it is of that kind."""

    def owner(obj: Object) -> Iterable[NamespacedName]:
        reference = controller_of(obj)
        if reference is None or reference.get("kind") != kind:
            return ()
        return (NamespacedName(namespace_of(obj), reference["name"]),)

    return owner


class Controller:
    """One queue, N workers. Runs until cancelled; informers are run by whoever made them."""

    def __init__(
        self,
        name: str,
        reconcile: Reconcile,
        *,
        watches: Sequence[Watch],
        workers: int = 1,
        needs: Sequence[Informer] = (),
        queue_name: str = "",
    ) -> None:
        """`queue_name`: what metrics call the queue, if not by the controller's name."""
        self.name = name
        self.queue: WorkQueue[NamespacedName] = WorkQueue(queue_name or name)
        self._reconcile = reconcile
        self._workers = workers
        self._informers = [*(watch.informer for watch in watches), *needs]
        self._watches = watches

    async def run(self) -> None:
        """Waits for the caches, then works; never ends."""
        for watch in self._watches:
            watch.informer.add_handler(self._handler(watch))
        for informer in self._informers:
            await informer.wait_synced()
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._work(), name=f"{self.name}-{number}")

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self.process(key)
            finally:
                self.queue.done(key)
            await asyncio.sleep(0)  # others' turn: reconciling may have waited for nothing

    async def process(self, key: NamespacedName) -> None:
        """One pass over one key, with its span and log fields; the outcome goes to the queue."""
        trace = tracing.new_span(self.queue.causes(key), actor=self.name)
        with tracing.span(trace), log_fields(controller=self.name, key=key):
            try:
                again = await self._reconcile(key)
            except TerminalError as error:
                log.error("Giving up until something changes: error=%s", error)
                self.queue.forget(key)
            except Exception as raised:
                cause = first_error(raised)
                if is_namespace_terminating(cause):
                    log.debug("Giving up, the namespace is going away: error=%s", cause)
                    self.queue.forget(key)
                else:
                    _record(cause)
                    self.queue.add_rate_limited(key)
            else:
                self.queue.forget(key)
                if again is not None:
                    self.queue.add_after(key, again)

    def _handler(self, watch: Watch) -> Handler:
        def handle(old: Object | None, new: Object | None) -> None:
            if watch.changed is not None and not watch.changed(old, new):
                return
            cause = resource_version_of(new or old or {})
            for obj in (old, new):
                if obj is not None:
                    for key in watch.map(obj):
                        self.queue.add_after(key, watch.delay, cause)

        return handle


def _record(error: Exception) -> None:
    if isinstance(error, ConflictError):
        log.debug("Retrying after a conflict: error=%s", error)
    elif isinstance(error, StatusError | ConnectionFailed | NotYetError):
        log.warning("Reconcile failed, will retry: error=%s", error)
    else:
        log.error("Reconcile failed, will retry", exc_info=error)
