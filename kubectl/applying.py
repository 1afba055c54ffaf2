"""What apply does with one object, without its flags: create it, or patch it by what was applied last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from kubectl import last_applied, manifests

if TYPE_CHECKING:
    from client.rest import Client


async def apply_object(
    client: Client, resource: Resource, obj: Object, current: Object | None, params: dict[str, Any]
) -> Object:
    """The object as it is then; `current` if nothing had to change. Raises StatusError."""
    wanted = last_applied.annotated(obj)
    if current is None:
        return await client.create(resource, manifests.as_new(manifests.without_nulls(wanted)), params=params)
    patch, content_type = last_applied.patch_for(wanted, current)
    if not patch:
        return current
    return await client.patch(
        resource, name_of(obj), patch, namespace_of(obj), patch_type=content_type, params=params
    )
