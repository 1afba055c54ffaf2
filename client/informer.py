"""A cache of all objects of one resource, kept by list and watch, and the handlers that learn of each change.

Each layer deals with one kind of failure: `_watch` is one stream, `_watch_on` reconnects from the last
resourceVersion, `run` lists again when that is gone for good. A relist calls the handlers with the same
(old, new) pairs as a watch would have, missed deletions included. An error never looks like an empty cache.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypedDict

from apimachinery.errors import ExpiredError, GoneError, StatusError, TimeoutStatusError
from apimachinery.objects import NamespacedName, Object, key_of, resource_version_of
from apimachinery.scheme import Resource
from client.errors import ConnectionFailed
from client.rest import Client
from client.store import Index, ObjectStore

log = logging.getLogger(__name__)

Handler = Callable[[Object | None, Object | None], None]
"""Called with (old, new): None means absent. Must neither block nor raise, and not change what it gets."""

Objects = list[Object]


class Selectors(TypedDict):
    """What limits the objects of an informer."""

    label_selector: str | None
    field_selector: str | None


MIN_WATCH_SECONDS = 300.0
SHORT_WATCH_SECONDS = 1.0
FIRST_DELAY, LIMIT_BEFORE_SYNC, LIMIT_AFTER_SYNC = 0.05, 1.0, 10.0


@dataclass(frozen=True, slots=True)
class _Accept:
    """The representation to ask for."""

    list: Mapping[str, str]
    watch: Mapping[str, str]


def _partial(kind: str) -> Mapping[str, str]:
    return {"accept": f"application/json;as={kind};v=v1;g=meta.k8s.io,application/json"}


_JSON = {"accept": "application/json"}
_WHOLE = _Accept(_JSON, _JSON)
_METADATA = _Accept(_partial("PartialObjectMetadataList"), _partial("PartialObjectMetadata"))


def drop_managed_fields(obj: Object) -> None:
    """Frees what no controller reads and what is often half of an object."""
    obj["metadata"].pop("managedFields", None)


def newest(versions: Iterable[str]) -> str:
    """The highest of some resourceVersions; "" of none."""
    return max((each for each in versions if each.isdigit()), key=int, default="")


class Informer:
    """Objects of a resource as the server last told them. What it returns is read-only."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        indexers: Mapping[str, Index] | None = None,
        metadata_only: bool = False,
        transform: Callable[[Object], None] = drop_managed_fields,
        rng: random.Random | None = None,
    ) -> None:
        self.resource = resource
        self._client = client
        self._scope = namespace
        self._selectors: Selectors = {"label_selector": label_selector, "field_selector": field_selector}
        self._accept = _METADATA if metadata_only else _WHOLE
        self._transform = transform
        self._random = rng or random.Random()
        self._store = ObjectStore(indexers or {})
        self._handlers: list[Handler] = []
        self._synced = asyncio.Event()
        self._delay = FIRST_DELAY
        self.resource_version = "0"

    def __repr__(self) -> str:
        return (
            f"<Informer {self.resource.group_resource} objects={len(self._store)} at={self.resource_version}>"
        )

    # Reading.

    @property
    def count(self) -> int:
        return len(self._store)

    def get(self, key: NamespacedName) -> Object | None:
        return self._store.get(key)

    def list(self, namespace: str | None = None) -> Objects:
        return self._store.list(namespace)

    def by_index(self, name: str, value: str) -> Objects:
        return self._store.by_index(name, value)

    def add_indexer(self, name: str, index: Index) -> None:
        """Another index; the same name again is the same index."""
        self._store.add_index(name, index)

    def add_handler(self, handler: Handler) -> None:
        """Calls `handler` for everything known now and for each change from now on."""
        self._handlers.append(handler)
        for obj in self._store.list():
            self._call(handler, None, obj)

    @property
    def synced(self) -> bool:
        """Whether the cache has held the complete state at least once."""
        return self._synced.is_set()

    def has_seen(self, resource_version: str) -> bool:
        """Whether the cache is at least as new as an answer to one of our own writes."""
        ours, known = resource_version or "0", self.resource_version or "0"
        return int(known) >= int(ours) if ours.isdigit() and known.isdigit() else True

    async def wait_synced(self) -> None:
        await self._synced.wait()

    # Keeping up.

    async def run(self) -> None:
        """Lists and watches; never ends."""
        while True:
            try:
                await self._list()
                await self._watch_on()
            except (ExpiredError, GoneError, TimeoutStatusError) as error:
                log.info("Listing again: resource=%s reason=%s", self.resource.group_resource, error)
                self.resource_version = ""
                await self._pause()
            except (StatusError, ConnectionFailed) as error:
                log.warning("Listing failed: resource=%s error=%s", self.resource.group_resource, error)
                await self._pause()

    async def _list(self) -> None:
        answer = await self._client.list(
            self.resource,
            self._scope,
            resource_version=self.resource_version or None,
            headers=self._accept.list,
            **self._selectors,
        )
        items = {}
        for obj in answer["items"] or ():
            self._complete(obj)
            items[key_of(obj)] = obj
        for key in [key for key in self._store if key not in items]:
            self._apply(key, None)
        for key, obj in items.items():
            self._apply(key, obj)
        self.resource_version = resource_version_of(answer)
        self._delay = FIRST_DELAY
        self._synced.set()

    async def _watch_on(self) -> None:
        """Watches from the last resourceVersion, again and again; ends by ExpiredError."""
        while True:
            try:
                await self._watch()
            except (ExpiredError, GoneError):
                raise
            except (StatusError, ConnectionFailed) as error:
                log.info("Watch ended: resource=%s reason=%s", self.resource.group_resource, error)
                await self._pause()

    async def _watch(self) -> None:
        """One stream, to its end. One that ends at once and tells nothing counts as a lost connection."""
        began, is_silent = asyncio.get_running_loop().time(), True
        seconds = MIN_WATCH_SECONDS * (1 + self._random.random())
        events = self._client.watch(
            self.resource,
            self._scope,
            resource_version=self.resource_version,
            timeout_seconds=seconds,
            headers=self._accept.watch,
            **self._selectors,
        )
        async with aclosing(events):
            async for type, obj in events:
                is_silent = False
                self._delay = FIRST_DELAY
                self.resource_version = resource_version_of(obj)
                if type == "BOOKMARK":
                    continue
                self._complete(obj)
                self._apply(key_of(obj), None if type == "DELETED" else obj, last=obj)
        if is_silent and asyncio.get_running_loop().time() - began < SHORT_WATCH_SECONDS:
            raise ConnectionFailed("very short watch: it ended within a second, and nothing came")

    async def _pause(self) -> None:
        """Waits before the next try: 50 ms, doubling, up to a second at start and ten later, with jitter."""
        limit = LIMIT_AFTER_SYNC if self.synced else LIMIT_BEFORE_SYNC
        self._delay = min(self._delay, limit)
        await asyncio.sleep(self._delay * (0.5 + self._random.random()))
        self._delay *= 2

    def _complete(self, obj: Object) -> None:
        obj["apiVersion"] = self.resource.api_version  # also where the answer says PartialObjectMetadata
        obj["kind"] = self.resource.kind
        self._transform(obj)

    def _apply(self, key: NamespacedName, new: Object | None, *, last: Object | None = None) -> None:
        """Changes the store, then tells. A deletion is told with the object's last state, if known."""
        old = self._store.get(key)
        if new is not None and old is not None and resource_version_of(old) == resource_version_of(new):
            return
        if new is None and old is None:
            return
        self._store.set(key, new)
        if old is not None and new is not None and _is_another(old, new):
            self._notify(old, None)
            old = None
        self._notify(last if new is None and last is not None else old, new)

    def _notify(self, old: Object | None, new: Object | None) -> None:
        for handler in self._handlers:
            self._call(handler, old, new)

    def _call(self, handler: Handler, old: Object | None, new: Object | None) -> None:
        try:
            handler(old, new)
        except Exception:  # one bad object must not stop the cache of all others
            log.exception("Handler failed: resource=%s", self.resource.group_resource)


def _is_another(old: Object, new: Object) -> bool:
    """Whether the object was deleted and created again under the same name while nobody looked."""
    before, after = old["metadata"].get("uid"), new["metadata"].get("uid")
    return bool(before and after and before != after)


async def run_all(informers: Iterable[Informer]) -> None:
    """Runs informers side by side; never ends."""
    async with asyncio.TaskGroup() as group:
        for informer in informers:
            group.create_task(informer.run(), name=f"informer-{informer.resource.group_resource}")
