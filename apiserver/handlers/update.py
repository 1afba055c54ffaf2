"""PUT of an object, or of its status or another subresource of the same form."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.asgi import Receive, Send
from apiserver.handlers import bodies
from apiserver.handlers.answers import send_entry
from apiserver.registry import rules
from apiserver.registry.options import parse_write_options
from apiserver.registry.owner_references import dedup_owner_references
from apiserver.registry.store import Store
from apiserver.registry.updating import Target
from apiserver.request import RequestInfo
from apiserver.storage.entry import Entry


async def update(info: RequestInfo, receive: Receive, send: Send, store: Store) -> None:
    options = parse_write_options(info.query, "UpdateOptions")
    body = await bodies.read(info, receive)
    namespace, expected = store.namespace_of(info), bodies.expected_of(store)
    decoded = [await bodies.decode(info, body, expected, options.field_validation)]
    rules.set_namespace(store.resource, namespace, decoded[0])
    rules.check_name(info.name, decoded[0])

    async def replace(entry: Entry | None) -> Object:
        """The body's object; a further attempt needs a fresh one, for the first has been changed."""
        obj = decoded.pop() if decoded else await bodies.decode(info, body, expected, "Ignore")
        obj = store.codec.to_stored(obj)
        store.strategy.default(obj)
        info.warnings += dedup_owner_references(obj)
        return obj

    may_create = store.strategy.allow_create_on_update and not info.subresource
    target = Target(namespace, info.name, info.subresource, may_create=may_create)
    entry, created = await store.update(info, target, replace, options)
    await send_entry(info, send, store, entry, 201 if created else 200)
