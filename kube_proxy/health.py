"""Health: of the proxy (port 10256), and of each service whose balancer asks this node for its endpoints."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

import orjson

from apimachinery.objects import NamespacedName
from apimachinery.times import format_micro_time
from component_base.http_server import HttpServer, Request, Response
from kube_proxy import metrics
from kube_proxy.endpoints import LocalEndpoints
from kube_proxy.proxier import Proxier

log = logging.getLogger(__name__)

# A sync that has been due for this long says that something is wrong.
HEALTHY_FOR = timedelta(seconds=60)
# As Go writes the time that never was.
NEVER = "0001-01-01T00:00:00Z"


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
        """As long as syncs follow changes; while starting, too."""
        queued = self._proxier.queued
        return queued is None or self._now() - queued < HEALTHY_FOR

    async def handle(self, request: Request) -> Response:
        match request.path.rstrip("/"):
            case "/healthz":
                eligible = self._is_eligible()
                answer = self._answer(self.is_healthy() and eligible, {"nodeEligible": eligible})
                metrics.HEALTHZ.labels(str(answer.status)).inc()
            case "/livez":
                answer = self._answer(self.is_healthy(), {})
                metrics.LIVEZ.labels(str(answer.status)).inc()
            case _:
                answer = Response(b"404 page not found\n", 404)
        return answer

    def _answer(self, is_ok: bool, more: Mapping[str, object]) -> Response:
        """Who is well was updated just now, even if nothing had to be done for long."""
        now, healthy = format_micro_time(self._now()), self.is_healthy()
        updated = format_micro_time(self._proxier.updated) if self._proxier.updated else NEVER
        body = {
            "lastUpdated": now if is_ok else updated,
            "currentTime": now,
            **more,
            "healthy": healthy,
            "status": {metrics.FAMILY: {"lastUpdated": updated, "healthy": healthy}},
        }
        return Response(orjson.dumps(body), 200 if is_ok else 503, "application/json")


class ServiceHealth:
    """A small server for each healthCheckNodePort: 200 while the node has endpoints of the service."""

    def __init__(self, is_healthy: Callable[[], bool], failed: Callable[[NamespacedName, str], None]) -> None:
        """`failed` is told, once, of a service's port that can't be opened."""
        self._is_healthy = is_healthy
        self._failed = failed
        self._servers: dict[tuple[str, int], HttpServer] = {}
        self._complained: set[tuple[str, int]] = set()
        self._endpoints: dict[int, LocalEndpoints] = {}

    async def sync(self, wanted: Mapping[int, LocalEndpoints], addresses: Iterable[str]) -> None:
        """Listens on each of the addresses, and on no port that isn't wanted any more."""
        self._endpoints = dict(wanted)
        places = {(address, port) for address in addresses for port in wanted}
        self._complained &= places
        for place in self._servers.keys() - places:
            await self._servers.pop(place).aclose()
        for address, port in sorted(places - self._servers.keys()):
            await self._open(address, port)

    async def _open(self, address: str, port: int) -> None:
        server, place = HttpServer(_Handler(self, port)), (address, port)
        try:
            await server.start(address, port)
        except OSError as error:
            if place not in self._complained:
                self._complained.add(place)
                service = self._endpoints[port].service
                log.warning(
                    "Health check port can't be opened: service=%s port=%d err=%s", service, port, error
                )
                self._failed(service, f'failed to start healthcheck "{service}" on port {port}: {error}')
        else:
            self._servers[place] = server

    async def aclose(self) -> None:
        await self.sync({}, ())

    def answer(self, port: int) -> Response:
        here = self._endpoints.get(port, LocalEndpoints(NamespacedName("", ""), 0))
        healthy = self._is_healthy()
        body = {
            "service": {"namespace": here.service.namespace, "name": here.service.name},
            "localEndpoints": here.count,
            "serviceProxyHealthy": healthy,
        }
        return Response(
            json.dumps(body, indent="\t").encode(),
            200 if here.count and healthy else 503,
            "application/json",
            {"x-load-balancing-endpoint-weight": str(here.count)},
        )


class _Handler:
    def __init__(self, health: ServiceHealth, port: int) -> None:
        self._health, self._port = health, port

    async def __call__(self, request: Request) -> Response:
        return self._health.answer(self._port)
