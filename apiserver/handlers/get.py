"""GET of one object."""

from __future__ import annotations

from apiserver.asgi import Receive, Send
from apiserver.handlers.answers import send_entry
from apiserver.registry.store import Store
from apiserver.request import RequestInfo


async def get(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    entry = await store.get(store.namespace_of(info), info.name, info.first("resourceVersion"))
    await send_entry(info, send, store, entry)
