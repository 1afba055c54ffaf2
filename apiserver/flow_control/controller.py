"""Keeps the priority levels as their objects say, those objects as they must be, and lends seats.

Source: pkg/util/flowcontrol/apf_controller.go of kubernetes/apiserver 0.34 and
pkg/registry/flowcontrol/rest/storage_flowcontrol.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.times import format_time
from apiserver.bootstrap.flow_control import mandatory, may_be_updated, suggested
from apiserver.bootstrap.reconcile import Bootstrapper
from apiserver.flow_control.levels import Levels, dangling
from apiserver.identity import own_request
from apiserver.registry.options import WriteOptions
from apiserver.registry.store import Store
from apiserver.registry.updating import Target
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError
from apiserver.storage.topic import Reader, Topic

log = logging.getLogger(__name__)

PRODUCER = "api-priority-and-fairness-config-producer-v1"
"""Who manages what every cluster has."""
_CONSUMER = "api-priority-and-fairness-config-consumer-v1"
_LEND_SECONDS = 10.0
_ENSURE_SECONDS = 60.0


class FlowController:
    """`schemas` and `levels` are the stores of the two kinds."""

    def __init__(self, schemas: Store, levels: Store, bootstrapper: Bootstrapper, served: Levels) -> None:
        self._schemas = schemas
        self._levels = levels
        self._bootstrapper = bootstrapper
        self._served = served
        self._changed = asyncio.Event()

    async def ensure(self) -> None:
        """The mandatory objects as they must be, the suggested ones unless somebody wanted them otherwise."""
        for wanted in mandatory():
            await self._bootstrapper.replace(wanted, ["spec"])
        for wanted in suggested():
            existing = self._bootstrapper.lookup(wanted.resource, wanted.obj)
            if existing is None or may_be_updated(existing):
                await self._bootstrapper.replace(wanted, ["spec"])

    async def run(self) -> None:
        """Never returns."""
        await self._schemas.shared.cache.ready.wait()
        async with asyncio.TaskGroup() as group:
            for changes in (self._schemas.cache.changes, self._levels.cache.changes):
                group.create_task(self._follow(changes, Reader(changes, changes.end)))
            group.create_task(self._lend())
            group.create_task(self.keep())
            while True:
                self._changed.clear()
                self._digest()
                await self._tell_dangling()
                await self._changed.wait()

    async def _follow(self, topic: Topic, reader: Reader) -> None:
        while True:
            await reader.wait()
            reader.position = topic.end
            self._changed.set()

    async def _lend(self) -> None:
        while True:
            await asyncio.sleep(_LEND_SECONDS)
            self._served.lend()

    async def keep(self) -> None:
        """Never returns: all that there is to do where no request is queued."""
        while True:
            await asyncio.sleep(_ENSURE_SECONDS)
            await self._attempt(self.ensure())

    def _digest(self) -> None:
        schemas = [entry.obj for entry in self._schemas.cache.entries()]
        self._served.digest(schemas, [entry.obj for entry in self._levels.cache.entries()])

    async def _tell_dangling(self) -> None:
        for entry in self._schemas.cache.entries():
            if (condition := self._condition(entry.obj)) is not None:
                await self._attempt(self._tell(entry.name, condition))

    async def _tell(self, name: str, condition: Object) -> None:
        """Applies the condition to a FlowSchema's status. Raises StatusError, StorageError."""
        schemas = self._schemas
        tracker = schemas.tracking.through("status")
        config = {
            "apiVersion": schemas.resource.api_version,
            "kind": schemas.resource.kind,
            "metadata": {"name": name},
            "status": {"conditions": [condition]},
        }

        async def applied(entry: Entry | None) -> Object:
            live = schemas.codec.judged(entry) if entry else None
            return tracker.apply(live, config, _CONSUMER, format_time(schemas.shared.now()), force=True)

        target = Target("", name, "status", is_tracked=True)
        await schemas.update(own_request("patch"), target, applied, WriteOptions(field_manager=_CONSUMER))

    def _condition(self, schema: Object) -> Object | None:
        levels = {entry.name: entry.obj for entry in self._levels.cache.entries()}
        return dangling(schema, levels, format_time(self._schemas.shared.now()))

    @staticmethod
    async def _attempt(work: Awaitable[None]) -> None:
        try:
            await work
        except (StatusError, StorageError) as error:
            log.warning("Failed to keep the objects of flow control: err=%s", error)
