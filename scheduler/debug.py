"""Paths beside those of every daemon: attempts and the queue as JSON, what pods ask for as metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import orjson

from apimachinery.objects import Object
from component_base.http_server import Handler, Request, Response
from component_base.metrics import CONTENT_TYPE
from scheduler import pod_resources
from scheduler.journal import Journal
from scheduler.queue import SchedulingQueue


def debug_routes(
    journal: Journal, queue: SchedulingQueue, pods: Callable[[], Iterable[Object]]
) -> Mapping[str, Handler]:
    """`pods`: all that are known."""

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

    async def resources(request: Request) -> Response:
        return Response(await pod_resources.render(pods()), content_type=CONTENT_TYPE)

    return {"/debug/attempts": attempts, "/debug/queue": pending, pod_resources.PATH: resources}


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), content_type="application/json")
