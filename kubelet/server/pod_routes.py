"""The endpoints that look into pods: logs, commands, connections. Or, by choice, none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from apimachinery.durations import parse_duration
from kubelet.configuration import gates_of
from kubelet.kubelet import Kubelet
from kubelet.server.commands import CheckpointEndpoint, RunEndpoint
from kubelet.server.logs import ContainerLogs
from kubelet.server.portforward.endpoint import PortForwardEndpoint
from kubelet.server.remotecommand.endpoints import AttachEndpoint, ExecEndpoint

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def pod_routes(
    kubelet: Kubelet, configuration: Mapping[str, Any], now: Callable[[], datetime]
) -> Iterator[Route]:
    """Part of what `enableDebuggingHandlers` opens."""
    container = "/{namespace}/{pod}/{container}"
    yield Route(f"/containerLogs{container}", ContainerLogs(kubelet, now).__call__)
    yield Route(f"/run{container}", RunEndpoint(kubelet).__call__, methods=["POST"])
    yield Route("/run/{namespace}/{pod}/{uid}/{container}", RunEndpoint(kubelet).__call__, methods=["POST"])
    if gates_of(configuration).enabled("ContainerCheckpoint"):
        yield Route(f"/checkpoint{container}", CheckpointEndpoint(kubelet).__call__, methods=["POST"])
    yield from _streaming_routes(kubelet, parse_duration(configuration["streamingConnectionIdleTimeout"]))


def _streaming_routes(kubelet: Kubelet, idle_seconds: float) -> Iterator[Route]:
    """A pod may be asked for by its uid as well."""
    execute, attach = ExecEndpoint(kubelet, idle_seconds), AttachEndpoint(kubelet, idle_seconds)
    forward = PortForwardEndpoint(kubelet, idle_seconds)
    for pod in ("/{namespace}/{pod}", "/{namespace}/{pod}/{uid}"):
        yield Route(f"/exec{pod}/{{container}}", execute, methods=["GET", "POST"])
        yield Route(f"/attach{pod}/{{container}}", attach, methods=["GET", "POST"])
        yield Route(f"/portForward{pod}", forward, methods=["GET", "POST"])


def closed_routes() -> Iterator[Route]:
    """Instead of all that `enableDebuggingHandlers` opens."""
    for path in ("run", "exec", "attach", "portForward", "containerLogs", "runningpods", "logs"):
        yield closed(f"/{path}/{{path:path}}", "Debug endpoints are disabled.")


def closed(path: str, words: str) -> Route:
    async def refuse(request: Request) -> Response:
        return PlainTextResponse(f"{words}\n", 405)

    return Route(path, refuse, methods=METHODS)
