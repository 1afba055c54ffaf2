"""POST of a new object."""

from __future__ import annotations

from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_entry
from apiserver.registry.options import parse_write_options
from apiserver.registry.store import Store
from apiserver.request import RequestInfo


async def create(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    bodies.media_of(info)
    options = parse_write_options(info.query, "CreateOptions")
    body = await bodies.read(info, receive)
    obj = await bodies.decode(info, body, bodies.expected_of(store), options.field_validation)
    obj = store.codec.to_stored(obj)
    store.strategy.default(obj)
    entry = await store.create(info, store.namespace_of(info), obj, options)
    await send_entry(info, send, store, entry, 201)
