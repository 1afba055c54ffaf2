"""GET of one object."""

from __future__ import annotations

from apimachinery.errors import BadRequestError
from apiserver.asgi import Receive, Send
from apiserver.handlers.answers import send_entry
from apiserver.registry.store import Store
from apiserver.request import RequestInfo, is_set


async def get(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    if is_set(info.query, "export"):
        raise BadRequestError("the export parameter, deprecated since v1.14, is no longer supported")
    entry = await store.get(store.namespace_of(info), info.name, info.first("resourceVersion"))
    await send_entry(info, send, store, entry)
