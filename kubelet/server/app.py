"""The endpoints of port 10250. Starlette's routing, with the guard before all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from apimachinery.durations import parse_duration
from apimachinery.objects import Object
from client.reviews import Authenticator
from component_base import metrics, slis
from kubelet.kubelet import Kubelet
from kubelet.probes.history import ProbeHistory
from kubelet.server.debug import PodDebug
from kubelet.server.guard import Guard
from kubelet.server.identity import Authorizer
from kubelet.server.logs import ContainerLogs
from kubelet.server.portforward.endpoint import PortForwardEndpoint
from kubelet.server.remotecommand.endpoints import AttachEndpoint, ExecEndpoint
from kubelet.server.stats import StatsEndpoints
from kubelet.server.system_logs import SystemLogs


def build_app(
    kubelet: Kubelet,
    probes: ProbeHistory,
    stats: StatsEndpoints,
    authenticator: Authenticator,
    authorizer: Authorizer,
    configuration: Mapping[str, Any],
    now: Callable[[], datetime],
) -> ASGIApp:
    endpoints = Endpoints(kubelet, stats, configuration)
    pod = "/{namespace}/{pod}"
    app = Starlette(
        routes=[
            Route("/healthz", endpoints.healthz),
            Route("/healthz/ping", endpoints.healthz),
            Route("/healthz/syncloop", endpoints.healthz),
            Route("/pods", endpoints.pods),
            Route("/pods/", endpoints.pods),
            Route("/runningpods/", endpoints.running_pods),
            Route("/configz", endpoints.configz),
            Route("/metrics", endpoints.metrics),
            Route(slis.PATH, endpoints.slis),
            Route("/metrics/resource", stats.resource),
            Route("/metrics/cadvisor", stats.cadvisor),
            Route("/metrics/probes", stats.probes),
            Route("/stats/summary", stats.summary),
            Route(f"/debug/pods{pod}", PodDebug(kubelet, probes).__call__),
            Route(f"/containerLogs{pod}/{{container}}", ContainerLogs(kubelet, now).__call__),
            *_streaming_routes(kubelet, parse_duration(configuration["streamingConnectionIdleTimeout"])),
            *_system_log_routes(enabled=configuration["enableSystemLogHandler"]),
        ]
    )
    return Guard(app, authenticator, authorizer)


def _streaming_routes(kubelet: Kubelet, idle_seconds: float) -> Iterator[Route]:
    """A pod may be asked for by its uid as well."""
    execute, attach = ExecEndpoint(kubelet, idle_seconds), AttachEndpoint(kubelet, idle_seconds)
    forward = PortForwardEndpoint(kubelet, idle_seconds)
    for pod in ("/{namespace}/{pod}", "/{namespace}/{pod}/{uid}"):
        yield Route(f"/exec{pod}/{{container}}", execute, methods=["GET", "POST"])
        yield Route(f"/attach{pod}/{{container}}", attach, methods=["GET", "POST"])
        yield Route(f"/portForward{pod}", forward, methods=["GET", "POST"])


def _system_log_routes(*, enabled: bool) -> Iterator[Route]:
    if enabled:
        yield Route("/logs/{path:path}", SystemLogs().__call__)


class Endpoints:
    def __init__(self, kubelet: Kubelet, stats: StatsEndpoints, configuration: Mapping[str, Any]) -> None:
        self._kubelet = kubelet
        self._stats = stats
        self._configuration = configuration

    async def healthz(self, request: Request) -> Response:
        slis.observe("healthz", "ping", ok=True)
        return PlainTextResponse("ok")

    async def slis(self, request: Request) -> Response:
        return Response(slis.render(), media_type=metrics.CONTENT_TYPE)

    async def pods(self, request: Request) -> Response:
        """The pods bound to this node, each with the status that this kubelet gives it."""
        return _json(_pod_list(self._kubelet.all_pods()))

    async def running_pods(self, request: Request) -> Response:
        items = [
            {
                "metadata": {"name": each.name, "namespace": each.namespace, "uid": each.uid},
                "spec": {"containers": [{"name": c.name, "image": c.image} for c in each.containers]},
            }
            for each in (await self._kubelet.runtime.list_pods()).values()
        ]
        return _json(_pod_list(items))

    async def configz(self, request: Request) -> Response:
        return _json({"kubeletconfig": self._configuration})

    async def metrics(self, request: Request) -> Response:
        text = metrics.render() + (await self._stats.volumes()).encode()
        return Response(text, media_type=metrics.CONTENT_TYPE)


def _pod_list(items: list[Object]) -> Object:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
