"""Debug endpoints: the journal of attempts and the queue, as JSON, for people and for `sampan why`."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from component_base.http_server import Handler, Request, Response
from scheduler.journal import Journal
from scheduler.queue import SchedulingQueue


def debug_routes(journal: Journal, queue: SchedulingQueue) -> Mapping[str, Handler]:
    async def attempts(request: Request) -> Response:
        found = journal.attempts(namespace=request.parameter("namespace"), name=request.parameter("name"))
        return _json({"attempts": [each.to_object() for each in found]})

    async def pending(request: Request) -> Response:
        pods = [
            {
                "namespace": each.pod.namespace,
                "name": each.pod.key.name,
                "attempts": each.attempts,
                "rejectedBy": sorted(each.rejected_by),
                "gated": each.is_gated,
                "heldBackBy": each.gated_by,
            }
            for each in queue.pending()
        ]
        return _json({"counts": queue.counts(), "pods": pods})

    return {"/debug/attempts": attempts, "/debug/queue": pending}


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), content_type="application/json")
