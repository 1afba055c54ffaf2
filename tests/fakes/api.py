"""The API server's inside without filters or sockets: a dispatcher over a store in memory, called as ASGI."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from apimachinery.protobuf_values import as_bytes
from apimachinery.protobuf_wire import read_fields
from apimachinery.scheme import CUSTOM_RESOURCE_DEFINITIONS
from apiserver.admission.chain import Chain
from apiserver.admission.webhooks.caller import CallError
from apiserver.admission.webhooks.hooks import Endpoint
from apiserver.customresources.controller import DefinitionController
from apiserver.customresources.served import CustomResources
from apiserver.customresources.webhook_conversion import Ask
from apiserver.dispatch import Dispatcher
from apiserver.filters.request_info import parse_query, parse_request
from apiserver.registry.store import Shared, Store
from apiserver.registry.stores import StoreKey, build_stores, store_of
from apiserver.storage.interface import Storage
from apiserver.storage.memory import MemoryStorage
from apiserver.storage.watch_cache import WatchCache
from tests.fakes.strategies import strategy_for

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    warnings: list[str] = field(default_factory=list)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Watching:
    """A watch under way: its events as they come."""

    events: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    status: int = 0
    content_type: str = ""
    warning: str = ""

    async def take(self, count: int) -> list[Any]:
        async with asyncio.timeout(120):
            return [await self.events.get() for _ in range(count)]


def lines(data: bytes) -> Iterator[Any]:
    """Events of a watch in JSON."""
    yield from map(orjson.loads, data.splitlines())


def frames(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Events of a watch in protobuf: type, and object as it was sent."""
    while data:
        size = int.from_bytes(data[:4], "big")
        event = dict(read_fields(data[4 : 4 + size]))
        yield as_bytes(event[1]).decode(), as_bytes(dict(read_fields(as_bytes(event[2])))[1])
        data = data[4 + size :]


class Api:
    """Requests in, answers out."""

    def __init__(self, shared: Shared, stores: dict[StoreKey, Store], custom: CustomResources) -> None:
        self.storage = shared.storage
        self.cache = shared.cache
        self.stores = stores
        self.custom = custom
        self._dispatcher = Dispatcher(stores, custom, shared.cache)

    async def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        started: dict[str, Any] = {}
        pieces: list[bytes] = []

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            else:
                pieces.append(message["body"])

        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": data}

        await self._dispatcher(self._scope(method, path, headers), receive, send)
        answered = [(name.decode(), value.decode()) for name, value in started["headers"]]
        warnings = [value for name, value in answered if name == "warning"]
        return Answer(started["status"], dict(answered), b"".join(pieces), warnings)

    @staticmethod
    def _scope(method: str, path: str, headers: dict[str, str] | None) -> dict[str, Any]:
        path, _, query = path.partition("?")
        info = parse_request(method, path, parse_query(query.encode()), headers or {})
        return {"type": "http", "method": method, "path": path, "request_info": info}

    @asynccontextmanager
    async def watch(self, path: str, headers: dict[str, str] | None = None) -> AsyncIterator[Watching]:
        watching, gone, begun = Watching(), asyncio.Event(), asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                watching.status = message["status"]
                headers = dict(message["headers"])
                watching.content_type = headers.get(b"content-type", b"").decode()
                watching.warning = headers.get(b"warning", b"").decode()
                begun.set()
                return
            is_protobuf = "protobuf" in watching.content_type
            for event in (frames if is_protobuf else lines)(message["body"]):
                watching.events.put_nowait(event)
            if not message.get("more_body"):
                watching.ended.set()

        async def receive() -> dict[str, Any]:
            await gone.wait()
            return {"type": "http.disconnect"}

        scope = self._scope("GET", path, headers)
        task = asyncio.create_task(self._dispatcher(scope, receive, send))
        await asyncio.wait(
            [task, waiting := asyncio.create_task(begun.wait())], return_when="FIRST_COMPLETED"
        )
        waiting.cancel()
        try:
            yield watching
        finally:
            gone.set()
            await asyncio.wait_for(task, 5)


async def nobody_answers(endpoint: Endpoint, url: str, review: Any, seconds: float) -> Any:
    raise CallError(f'failed to call webhook: Post "{url}": connection refused')


@asynccontextmanager
async def serving(
    storage: Storage | None = None,
    *,
    seed: int = 0,
    ask: Ask = nobody_answers,
    watch_seconds: float = 1800.0,
) -> AsyncIterator[Api]:
    """An Api whose cache is fed; `ask` plays the conversion webhooks."""
    storage = storage or MemoryStorage()
    cache = WatchCache(storage)
    shared = Shared(
        storage,
        cache,
        Chain([]),
        lambda: NOW,
        randomness=random.Random(seed),
        watch_seconds=watch_seconds,
    )
    stores = build_stores(shared, strategy_for)
    custom = CustomResources(shared, ask)
    controller = DefinitionController(store_of(stores, CUSTOM_RESOURCE_DEFINITIONS), custom)
    tasks = [asyncio.create_task(cache.run()), asyncio.create_task(controller.run())]
    await cache.ready.wait()
    try:
        yield Api(shared, stores, custom)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
