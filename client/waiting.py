"""Waiting for one object: until it is gone, or satisfies a test. Woken by the watch, never by a timer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from apimachinery.errors import ExpiredError, NotFoundError
from apimachinery.objects import Object, uid_of
from apimachinery.scheme import Resource

if TYPE_CHECKING:
    from client.rest import Client

Test = Callable[[Object | None], bool]
"""Whether the object (None: not there) is as wanted."""


async def until(client: Client, resource: Resource, name: str, namespace: str, test: Test) -> Object | None:
    """Returns the object, or None, as soon as the test holds."""
    selector = f"metadata.name={name}"
    while True:
        listed = await client.list(resource, namespace or None, field_selector=selector)
        obj = listed["items"][0] if listed["items"] else None
        if test(obj):
            return obj
        version = listed["metadata"]["resourceVersion"]
        events = client.watch(resource, namespace or None, resource_version=version, field_selector=selector)
        try:
            async with aclosing(events):
                async for kind, changed in events:
                    if kind == "BOOKMARK":
                        continue
                    obj = None if kind == "DELETED" else changed
                    if test(obj):
                        return obj
        except ExpiredError:
            continue  # the watch fell behind: look again


async def until_gone(client: Client, resource: Resource, name: str, namespace: str, uid: str = "") -> None:
    """Waits until the object is deleted, or another one has taken its name."""
    try:
        uid = uid or uid_of(await client.get(resource, name, namespace or None))
    except NotFoundError:
        return
    await until(client, resource, name, namespace, lambda obj: obj is None or uid_of(obj) != uid)
