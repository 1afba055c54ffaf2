"""The endpoints of port 10250, with the guard before all of them, and of the port that is only read."""

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

from apimachinery.objects import Object
from client.reviews import Authenticator
from component_base import metrics, slis
from component_base.debug_flags import put_verbosity
from component_base.health_checks import Check, ping, report, report_one
from kubelet.kubelet import Kubelet
from kubelet.probes.history import ProbeHistory
from kubelet.server.counted import Counted
from kubelet.server.debug import PodDebug
from kubelet.server.guard import Guard
from kubelet.server.identity import Authorizer
from kubelet.server.pod_routes import METHODS, closed, closed_routes, pod_routes
from kubelet.server.stats import StatsEndpoints
from kubelet.server.system_logs import SystemLogs


def build_app(
    kubelet: Kubelet,
    probes: ProbeHistory,
    stats: StatsEndpoints,
    authenticator: Authenticator,
    authorizer: Authorizer,
    configuration: Mapping[str, Any],
    checks: Mapping[str, Check],
    now: Callable[[], datetime],
) -> ASGIApp:
    endpoints = Endpoints(kubelet, stats, configuration, {"ping": ping, **checks})
    debugging = _debugging_routes(kubelet, endpoints, configuration, now)
    app = Starlette(
        routes=[
            *_telling_routes(endpoints, stats),
            Route("/debug/pods/{namespace}/{pod}", PodDebug(kubelet, probes).__call__),
            *(debugging if configuration["enableDebuggingHandlers"] else closed_routes()),
        ]
    )
    return Counted(Guard(app, authenticator, authorizer), "readwrite")


def build_read_only_app(kubelet: Kubelet, stats: StatsEndpoints, checks: Mapping[str, Check]) -> ASGIApp:
    """For anybody: what tells, and nothing that does."""
    endpoints = Endpoints(kubelet, stats, {}, {"ping": ping, **checks})
    routes = [*_telling_routes(endpoints, stats), *closed_routes()]
    return Counted(Starlette(routes=routes), "readonly")


def _telling_routes(endpoints: Endpoints, stats: StatsEndpoints) -> Iterator[Route]:
    """Health, pods, and what is used."""
    yield Route("/healthz", endpoints.healthz)
    yield Route("/healthz/{check}", endpoints.health_check)
    yield Route("/pods", endpoints.pods)
    yield Route("/pods/", endpoints.pods)
    yield Route("/metrics", endpoints.metrics)
    yield Route(slis.PATH, endpoints.slis)
    yield Route("/metrics/resource", stats.resource)
    yield Route("/metrics/cadvisor", stats.cadvisor)
    yield Route("/metrics/probes", stats.probes)
    yield Route("/stats/summary", stats.summary)


def _debugging_routes(
    kubelet: Kubelet,
    endpoints: Endpoints,
    configuration: Mapping[str, Any],
    now: Callable[[], datetime],
) -> Iterator[Route]:
    """What looks into pods, and at the kubelet itself."""
    yield Route("/runningpods/", endpoints.running_pods)
    yield Route("/configz", endpoints.configz)
    yield from pod_routes(kubelet, configuration, now)
    if configuration["enableSystemLogHandler"]:
        yield Route("/logs/{path:path}", SystemLogs().__call__)
    else:
        yield closed("/logs/{path:path}", "logs endpoint is disabled.")
    if configuration["enableDebugFlagsHandler"]:
        yield Route("/debug/flags/v", put_verbosity, methods=METHODS)
    else:
        yield closed("/debug/flags/v", "flags endpoint is disabled.")


class Endpoints:
    def __init__(
        self,
        kubelet: Kubelet,
        stats: StatsEndpoints,
        configuration: Mapping[str, Any],
        checks: Mapping[str, Check],
    ) -> None:
        self._kubelet = kubelet
        self._stats = stats
        self._configuration = configuration
        self._checks = checks

    async def healthz(self, request: Request) -> Response:
        query = request.query_params
        exclude = frozenset(query.getlist("exclude"))
        found = await report("healthz", self._checks, verbose="verbose" in query, exclude=exclude)
        return PlainTextResponse(found.text, found.status)

    async def health_check(self, request: Request) -> Response:
        check = self._checks.get(request.path_params["check"])
        if check is None:
            return PlainTextResponse("404 page not found\n", 404)
        found = await report_one(check)
        return PlainTextResponse(found.text, found.status)

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
        told = {name: value for name, value in self._configuration.items() if value is not None}
        return _json({"kubeletconfig": told})

    async def metrics(self, request: Request) -> Response:
        text = metrics.render() + (await self._stats.of_pods()).encode()
        return Response(text, media_type=metrics.CONTENT_TYPE)


def _pod_list(items: list[Object]) -> Object:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")
