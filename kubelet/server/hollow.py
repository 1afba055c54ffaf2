"""The port that hollow nodes share: what each of them uses, and what a kubelet's port has for pods.

A Node's annotation says where its usage is to be asked for, as metrics-server knows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from client.reviews import Authenticator
from component_base.metrics import CONTENT_TYPE
from kubelet.kubelet import Kubelet
from kubelet.server.guard import Guard
from kubelet.server.identity import Authorizer
from kubelet.server.pod_routes import closed_routes, pod_routes
from kubelet.stats.exposition import resource_metrics
from kubelet.stats.hollow import HollowUsage, metrics_path


def build_app(
    kubelet: Kubelet,
    usage: HollowUsage,
    authenticator: Authenticator,
    authorizer: Authorizer,
    configuration: Mapping[str, Any],
    now: Callable[[], datetime],
) -> ASGIApp:
    async def resource(request: Request) -> Response:
        node = request.path_params["node"]
        if node not in kubelet.agents:
            return PlainTextResponse("404 page not found\n", 404)
        use = await usage.of(node)
        text = resource_metrics(use.pods, use.usage, use.time)
        return PlainTextResponse(text, media_type=CONTENT_TYPE)

    is_open = configuration["enableDebuggingHandlers"]
    pods = pod_routes(kubelet, configuration, now) if is_open else closed_routes()
    app = Starlette(routes=[Route(metrics_path("{node}"), resource), *pods])
    return Guard(app, authenticator, authorizer)
