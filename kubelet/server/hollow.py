"""The port that hollow nodes share, where it is told what each of them uses.

A Node's annotation says where its usage is to be asked for, as metrics-server knows it.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from client.reviews import Authenticator
from component_base.metrics import CONTENT_TYPE
from kubelet.server.guard import Guard
from kubelet.server.identity import Authorizer
from kubelet.stats.exposition import resource_metrics
from kubelet.stats.hollow import HollowUsage, metrics_path


def build_app(
    nodes: Collection[str],
    usage: HollowUsage,
    authenticator: Authenticator,
    authorizer: Authorizer,
) -> ASGIApp:
    async def resource(request: Request) -> Response:
        node = request.path_params["node"]
        if node not in nodes:
            return PlainTextResponse("404 page not found\n", 404)
        use = await usage.of(node)
        text = resource_metrics(use.pods, use.usage, use.time)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    app = Starlette(routes=[Route(metrics_path("{node}"), resource)])
    return Guard(app, authenticator, authorizer)
