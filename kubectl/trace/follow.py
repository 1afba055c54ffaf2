"""Follows an apply until nothing more comes of it, or what came of the last change that somebody made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from client.waiting import until
from component_base import tracing
from kubectl.applying import apply_object
from kubectl.evidence.asker import Asker
from kubectl.failures import CommandError
from kubectl.trace.gather import records_of, writes_since
from kubectl.trace.settling import is_settled
from kubectl.trace.steps import Step
from kubectl.trace.tree import build, caused_by
from kubectl.trace.writes import Write

if TYPE_CHECKING:
    from client.rest import Client

QUIET_SECONDS = 0.3
"""When nothing has followed for so long, nothing will for now."""

Applied = Sequence[tuple[Resource, Object]]
Roots = Callable[[Sequence[Write]], list[Write]]


async def follow_apply(client: Client, wanted: Applied, limit: float) -> tuple[list[Step], bool]:
    """The trees, and whether all has come to rest in time. Raises StatusError, CommandError."""
    span = tracing.new_span()
    applied = [(resource, await _apply(client, resource, obj, span)) for resource, obj in wanted]
    settled = await _settle(client, applied, limit)
    first = min(int(obj["metadata"]["resourceVersion"]) for _, obj in applied)
    steps = await _trees(client, lambda writes: [w for w in writes if w.trace == span.trace_id], first)
    if not steps:
        raise CommandError("nothing was changed, so nothing followed")
    return steps, settled


async def _apply(client: Client, resource: Resource, obj: Object, span: tracing.Trace) -> Object:
    current = await _asker(client).get(resource, name_of(obj), namespace_of(obj)) or None
    with tracing.span(span):
        made = await apply_object(client, resource, obj, current, {"fieldValidation": "Strict"})
    return {"apiVersion": resource.api_version, "kind": resource.kind, **made}


async def _settle(client: Client, applied: Applied, limit: float) -> bool:
    try:
        async with asyncio.timeout(limit):
            await asyncio.gather(*(_rest(client, resource, obj) for resource, obj in applied))
    except TimeoutError:
        return False
    return True


async def _rest(client: Client, resource: Resource, obj: Object) -> None:
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    await until(
        client, resource, name_of(obj), namespace_of(obj),
        lambda now: now is None or is_settled({**kind, **now}),
    )  # fmt: skip


async def follow_past(client: Client, resource: Resource, name: str, namespace: str) -> list[Step]:
    """What came of the last change of an object that somebody made. Raises CommandError."""
    writes = await writes_since(_asker(client), 0, namespace=namespace, name=name)
    about = [each for each in writes if each.resource == resource.group_resource]
    if not about:
        raise CommandError(
            f"the journal of writes tells nothing of {resource.plural}/{name}: it keeps the last few thousand"
        )
    root = root_of(about)
    return await _trees(
        client, lambda writes: [w for w in writes if w.revision == root.revision], root.revision
    )


def root_of(writes: Sequence[Write]) -> Write:
    """The last change that nothing caused but a person; of what only controllers made, its making."""
    own = [each for each in writes if not each.causes and each.subresource != "status"]
    return own[-1] if own else writes[0]


async def _trees(client: Client, roots: Roots, since: int) -> list[Step]:
    """Looks again until nothing is added."""
    before = -1
    while True:
        asker = _asker(client)
        writes = await writes_since(asker, since)
        found = roots(writes)
        caused = caused_by(found, writes)
        if len(caused) == before or not found:
            return build(found, caused, await records_of(asker, caused))
        before = len(caused)
        await asyncio.sleep(QUIET_SECONDS)


def _asker(client: Client) -> Asker:
    return Asker(client, datetime.now(UTC))
