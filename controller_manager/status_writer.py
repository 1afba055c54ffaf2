"""Writes what a controller has found out into the status of its object."""

from __future__ import annotations

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.rest import Client


def differs(new: Object, old: Object | None) -> bool:
    """Whether a status must be written; absent fields equal zero."""
    old = old or {}
    return any((new.get(name) or 0) != (old.get(name) or 0) for name in {*new, *old})


async def write_status(client: Client, resource: Resource, obj: Object, status: Object) -> Object | None:
    """The object as it was written; None if there was nothing new to say, or if it is gone.

    Guarded by the resourceVersion of `obj`, which the status was decided on. Raises StatusError.
    """
    if not differs(status, obj.get("status")):
        return None
    try:
        return await client.update_status(resource, {**obj, "status": status})
    except NotFoundError:
        return None  # deleted meanwhile
