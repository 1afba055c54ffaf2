"""What goes on beside requests: definitions get their status, and those that are deleted end in order.

Every apiserver does this; writes are compare-and-swap, so that who comes second finds nothing to do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from apimachinery.conditions import is_condition_true
from apimachinery.errors import ConflictError, NotFoundError, StatusError
from apimachinery.objects import Object, uid_of
from apimachinery.times import format_time
from apiserver.customresources.definition import ESTABLISHED, NAMES_ACCEPTED
from apiserver.customresources.ending import (
    COMPLETED,
    IN_PROGRESS,
    NEVER_ESTABLISHED,
    State,
    is_ending,
    marked,
    released,
)
from apiserver.customresources.served import CustomResources
from apiserver.customresources.status import claim_of, plan_status
from apiserver.identity import own_request
from apiserver.registry.deletion import is_released
from apiserver.registry.options import DeleteOptions
from apiserver.registry.store import Store
from apiserver.registry.transaction import Decision, Keep, Put, Remove
from apiserver.storage.entry import Entry
from apiserver.storage.interface import StorageError
from apiserver.storage.topic import Reader, Topic

log = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a definition that has been looked at."""

    revision: int
    claim: Object
    is_waiting: bool
    """Whether it has not been given all names that it wants."""


class DefinitionController:
    """`definitions` is the store of CustomResourceDefinitions."""

    def __init__(self, definitions: Store, custom: CustomResources) -> None:
        self._definitions = definitions
        self._custom = custom
        self._written: dict[str, Entry] = {}
        """What this controller wrote and the cache may not have yet."""
        self._known: dict[str, _Known] = {}
        self._ending: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Never returns."""
        await self._definitions.shared.cache.ready.wait()
        async with asyncio.TaskGroup() as group:
            changes = _Changes(self._definitions.cache.changes)
            while True:
                await _persistently(self._look_at_all)
                self._start_endings(group)
                await changes.wait()

    async def _look_at_all(self) -> None:
        self._custom.refresh()
        entries = {entry.name: self._newest(entry) for entry in self._definitions.cache.entries()}
        self._written = {name: entry for name, entry in self._written.items() if name in entries}
        self._known = {name: known for name, known in self._known.items() if name in entries}
        for name, entry in entries.items():
            known = self._known.get(name)
            # Who waits for a name may get it when any other definition has changed or gone.
            if known is None or known.revision != entry.revision or known.is_waiting:
                try:
                    await self._look_at(entry)
                except (StatusError, StorageError):
                    raise
                except Exception:  # one odd definition is no reason to stop serving
                    log.exception("Failed to keep a definition: definition=%s", name)

    async def _look_at(self, entry: Entry) -> None:
        definition = entry.obj
        if not is_ending(definition):
            others = [known.claim for name, known in self._known.items() if name != entry.name]
            entry = await self._keep_status(entry, definition, others)
            definition = entry.obj
        waits = not is_condition_true(definition, NAMES_ACCEPTED)
        self._known[entry.name] = _Known(entry.revision, claim_of(definition), waits)

    def _newest(self, entry: Entry) -> Entry:
        written = self._written.get(entry.name)
        return written if written is not None and written.revision > entry.revision else entry

    async def _keep_status(self, entry: Entry, definition: Object, others: list[Object]) -> Entry:
        """The definition with the status it should have, which is stored if it is another one."""
        if plan_status(definition, others, self._now()) == definition.get("status"):
            return entry

        async def decide(current: Entry | None) -> Decision:
            if current is None:
                return Keep()
            obj = current.obj
            planned = obj | {"status": plan_status(obj, others, self._now())}
            return Keep() if planned == obj else Put(planned)

        written = await self._definitions.transactions.guaranteed_update(entry.key, decide)
        if written is None:
            return entry
        self._written[written.name] = written
        return written

    def _now(self) -> str:
        return format_time(self._definitions.shared.now())

    # Endings

    def _start_endings(self, group: asyncio.TaskGroup) -> None:
        self._ending = {name: task for name, task in self._ending.items() if not task.done()}
        for entry in self._definitions.cache.entries():
            if entry.name not in self._ending and is_ending(entry.obj):
                self._ending[entry.name] = group.create_task(self._end(entry.name))

    async def _end(self, name: str) -> None:
        await _persistently(lambda: self._end_once(name))
        self._custom.refresh()

    async def _end_once(self, name: str) -> None:
        entry = await self._definitions.transactions.read(self._definitions.key("", name))
        if entry is None or not is_ending(entry.obj):
            return
        store = self._custom.kept_by(name)
        if store is None or not is_condition_true(entry.obj, ESTABLISHED):
            await self._write(entry, NEVER_ESTABLISHED, released)
            return
        await self._write(entry, IN_PROGRESS, marked)
        await self._delete_instances(entry)
        await self._write(entry, COMPLETED, released)

    async def _write(
        self, ending: Entry, state: State, change: Callable[[Object, State, str], Object]
    ) -> None:
        async def decide(current: Entry | None) -> Decision:
            if current is None or not _is_still(ending, current):
                return Keep()
            changed = change(current.obj, state, self._now())
            if is_released(self._definitions.resource, changed):
                return Remove()
            return Keep() if changed == current.obj else Put(changed)

        await self._definitions.transactions.guaranteed_update(ending.key, decide)

    async def _delete_instances(self, ending: Entry) -> None:
        """Returns when none is left: finalizers may take their time.

        Or when another apiserver was faster: what there is then belongs to a definition that came later.
        """
        while True:
            # To be terminating makes other stores of a definition.
            await self._definitions.shared.cache.fresh()
            store = self._custom.kept_by(ending.name)
            current = self._definitions.cache.by_key(ending.key)
            if store is None or current is None or not _is_still(ending, current):
                return
            changes = _Changes(store.cache.changes)
            entries = store.cache.entries()
            if not entries:
                return
            for entry in entries:
                await _delete(store, entry)
            if store.cache.entries():
                await changes.wait()


def _is_still(ending: Entry, current: Entry) -> bool:
    """Whether a definition is the one that was seen to end, and not one of its name that came later."""
    return uid_of(current.obj) == uid_of(ending.obj) and is_ending(current.obj)


async def _delete(store: Store, entry: Entry) -> None:
    """This one, and none that has its name by now."""
    if entry.obj["metadata"].get("deletionTimestamp"):
        return
    try:
        await store.delete(
            own_request("delete"), entry.namespace, entry.name, DeleteOptions(uid=uid_of(entry.obj))
        )
    except (NotFoundError, ConflictError):
        return


class _Changes:
    """Waits for the next change of a topic after the last look."""

    def __init__(self, topic: Topic) -> None:
        self._reader = Reader(topic, topic.end)

    async def wait(self) -> None:
        await self._reader.wait()
        self._reader.position = self._reader.topic.end


async def _persistently(work: Callable[[], Awaitable[object]]) -> None:
    """Does the work, again and again until nothing is in its way."""
    while True:
        try:
            await work()
            return
        except (StatusError, StorageError) as error:
            log.warning("Failed to keep a definition, trying again: err=%s", error)
            await asyncio.sleep(_RETRY_SECONDS)
