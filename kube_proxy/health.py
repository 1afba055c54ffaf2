"""Health: of the proxy (port 10256), and of each service whose balancer asks this node for its endpoints."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import orjson

from apimachinery.objects import NamespacedName
from apimachinery.times import format_time
from component_base.http_server import HttpServer, Request, Response
from kube_proxy.proxier import Proxier

log = logging.getLogger(__name__)

# A sync that has been due for this long says that something is wrong.
HEALTHY_FOR = timedelta(seconds=60)


class ProxierHealth:
    """/healthz, for balancers: also whether the node should get traffic. /livez: only about the proxy."""

    def __init__(
        self, proxier: Proxier, is_eligible: Callable[[], bool], now: Callable[[], datetime]
    ) -> None:
        self._proxier = proxier
        self._is_eligible = is_eligible
        self._now = now
        self._server = HttpServer(self.handle)

    async def start(self, address: str, port: int) -> int:
        return await self._server.start(address, port)

    async def aclose(self) -> None:
        await self._server.aclose()

    def is_healthy(self) -> bool:
        """As long as syncs follow changes. Before the first there is nothing to be proud of."""
        proxier, now = self._proxier, self._now()
        if proxier.updated is None:
            return False
        return proxier.queued is None or now - proxier.queued < HEALTHY_FOR

    async def handle(self, request: Request) -> Response:
        path = request.path.rstrip("/")
        if path not in ("/healthz", "/livez"):
            return Response(b"404 page not found\n", 404)
        eligible = self._is_eligible()
        is_ok = self.is_healthy() and (eligible or path == "/livez")
        now = self._now()
        last = now if self._proxier.queued is None else self._proxier.updated
        body: dict[str, object] = {
            "lastUpdated": format_time(last) if last else None,
            "currentTime": format_time(now),
        }
        if path == "/healthz":
            body["nodeEligible"] = eligible
        return Response(orjson.dumps(body), 200 if is_ok else 503, "application/json")


class ServiceHealth:
    """One small server for each healthCheckNodePort: 200 while the node has endpoints of the service."""

    def __init__(self, address: str, is_healthy: Callable[[], bool]) -> None:
        self._address = address
        self._is_healthy = is_healthy
        self._servers: dict[int, HttpServer] = {}
        self._counts: dict[int, tuple[NamespacedName, int]] = {}

    async def sync(self, wanted: Mapping[int, tuple[NamespacedName, int]]) -> None:
        self._counts = dict(wanted)
        for port in self._servers.keys() - wanted.keys():
            await self._servers.pop(port).aclose()
        for port in wanted.keys() - self._servers.keys():
            server = HttpServer(_Handler(self, port))
            try:
                await server.start(self._address, port)
            except OSError as error:
                log.warning("Health check port can't be opened: port=%d err=%s", port, error)
            else:
                self._servers[port] = server

    async def aclose(self) -> None:
        await self.sync({})

    def answer(self, port: int) -> Response:
        service, count = self._counts.get(port, (NamespacedName("", ""), 0))
        healthy = self._is_healthy()
        body = {
            "service": {"namespace": service.namespace, "name": service.name},
            "localEndpoints": count,
            "serviceProxyHealthy": healthy,
        }
        return Response(orjson.dumps(body), 200 if count and healthy else 503, "application/json")


class _Handler:
    def __init__(self, health: ServiceHealth, port: int) -> None:
        self._health, self._port = health, port

    async def __call__(self, request: Request) -> Response:
        return self._health.answer(self._port)
