"""`--record`: the command line as an annotation of what it changed, which rollouts tell. Deprecated."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apimachinery.objects import Object, annotations_of
from kubectl import session

if TYPE_CHECKING:
    from client.rest import Client
    from kubectl.selection import Selected

CHANGE_CAUSE = "kubernetes.io/change-cause"
_DEPRECATED = "Flag --record has been deprecated, --record will be removed in the future"


def cause(record: bool) -> dict[str, str]:
    """The annotation, where it is asked for."""
    return {CHANGE_CAUSE: session.command_line()} if record else {}


def warn(record: bool) -> None:
    if record:
        print(_DEPRECATED, file=sys.stderr)


def recorded(obj: Object, record: bool) -> Object:
    if not record:
        return obj
    annotations = {**annotations_of(obj), **cause(record)}
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "annotations": annotations}}


async def record_change(
    client: Client, one: Selected, obj: Object, params: dict[str, str], record: bool
) -> Object:
    """The object after another patch, where it is asked for."""
    if not record:
        return obj
    patch = {"metadata": {"annotations": cause(record)}}
    return await client.patch(
        one.target.resource, one.target.name, patch, one.namespace or None, params=params
    )
