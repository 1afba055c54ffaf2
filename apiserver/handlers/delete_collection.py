"""DELETE of a collection: a list, and a delete of each of its objects."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from apimachinery.errors import NotFoundError
from apiserver.asgi import Receive, Send
from apiserver.handlers.delete import read_options as read_delete_options
from apiserver.handlers.list import read_options, send_listing
from apiserver.registry.options import DeleteOptions
from apiserver.registry.store import Store
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry

_WORKERS = 8


async def delete_collection(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    selection = read_options(info, store)
    deletion = await read_delete_options(info, receive, store)
    listing = await store.list(store.namespace_of(info), selection)
    await _delete_all(info, store, listing.entries, deletion)
    await send_listing(info, send, store, listing)


async def _delete_all(
    info: RequestInfo, store: Store, entries: Sequence[Entry], options: DeleteOptions
) -> None:
    """A few at a time. What has gone meanwhile is fine; the first other error ends it."""
    waiting = iter(entries)

    async def work() -> None:
        for entry in waiting:
            try:
                await store.delete(info, entry.namespace, entry.name, options)
            except NotFoundError:
                continue

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(_WORKERS, len(entries))):
                group.create_task(work())
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
