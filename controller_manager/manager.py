"""Puts the controllers together on one client and runs them: as the leader, or at once without election."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from client.controller import Controller
from client.events import EventRecorder
from client.rest import Client
from component_base.metrics import collected
from controller_manager.context import ControllerContext, SharedInformers
from controller_manager.garbage_collector.controller import GarbageCollector
from controller_manager.options import Options, is_enabled
from controller_manager.persistent_volume.controller import PersistentVolumeController
from controller_manager.queue_names import queue_name
from controller_manager.resource_quota.controller import ResourceQuotaController
from controller_manager.table import CONTROLLERS, Reconciler, Row

log = logging.getLogger(__name__)


class Recorders:
    """One EventRecorder a component, made when first asked for."""

    def __init__(self, client: Client, now: Callable[[], datetime]) -> None:
        self._client, self._now = client, now
        self._recorders: dict[str, EventRecorder] = {}

    def __call__(self, component: str) -> EventRecorder:
        if component not in self._recorders:
            self._recorders[component] = EventRecorder(self._client, component, now=self._now)
        return self._recorders[component]

    async def run(self) -> None:
        """Sends the Events of all; never ends."""
        async with asyncio.TaskGroup() as group:
            for recorder in self._recorders.values():
                group.create_task(recorder.run())


def chosen(options: Options) -> list[Row]:
    """The controllers that the options ask for."""
    return [row for row in CONTROLLERS if is_enabled(row.name, options.controllers) and row.needed(options)]


async def run_controllers(
    client: Client,
    options: Options,
    now: Callable[[], datetime],
    *,
    on_synced: Callable[[], None] = lambda: None,
) -> None:
    """Runs every chosen controller with shared informers; never ends."""
    informers, recorders = SharedInformers(client), Recorders(client, now)
    context = ControllerContext(client, informers, recorders, now, options)
    rows = chosen(options)
    made = [row.make(context) for row in rows]
    running = [_runner(*each, options) for each in zip(rows, made, strict=True)]
    counts = [each.counts for each in made if isinstance(each, PersistentVolumeController)]
    log.info("Starting controllers: names=%s", ",".join(row.name for row in rows))
    with collected(*counts):
        async with asyncio.TaskGroup() as group:
            group.create_task(informers.run(), name="informers")
            group.create_task(recorders.run(), name="events")
            # Whoever looks into a cache may take what is not there for missing, and not look again.
            await informers.wait_synced()
            log.info("Caches are synced: controllers=%d", len(rows))
            for row, run in zip(rows, running, strict=True):
                group.create_task(run(), name=row.name)
                await asyncio.sleep(options.controller_start_interval)
            on_synced()


def _runner(row: Row, made: Reconciler, options: Options) -> Callable[[], Coroutine[Any, Any, None]]:
    """A controller that finds out as it runs which resources to watch has a loop of its own."""
    if isinstance(made, GarbageCollector | ResourceQuotaController):
        return made.run
    workers = row.worker_count(options)
    queue = queue_name(row.name)
    return Controller(row.name, made.reconcile, watches=made.watches(), workers=workers, queue_name=queue).run
