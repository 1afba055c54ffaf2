"""Health, metrics and configuration of a daemon: /healthz /livez /readyz /metrics /metrics/slis /configz.

A guard, where there is one, says who may have what.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from component_base import metrics, slis
from component_base.health_checks import Check, Report, ping, report, report_one
from component_base.http_server import Handler, HttpServer, Request, Response

_ENDPOINTS = ("/healthz", "/livez", "/readyz")


class Guard(Protocol):
    async def refusal(self, request: Request) -> Response | None:
        """The answer for those who may not, None for those who may."""


class HealthServer:
    """Answers for the daemon. `routes` adds exact paths; `config` is what /configz shows."""

    def __init__(
        self,
        bind_address: str,
        port: int,
        checks: Mapping[str, Check] | None = None,
        *,
        ssl_context: ssl.SSLContext | None = None,
        routes: Mapping[str, Handler] | None = None,
        config: Mapping[str, Any] | None = None,
        guard: Guard | None = None,
        shares_port: bool = False,
    ) -> None:
        self.bind_address, self.port = bind_address, port
        self._checks: Mapping[str, Check] = {"ping": ping, **(checks or {})}
        self._ssl_context = ssl_context
        self._routes = dict(routes or {})
        self._config = dict(config or {})
        self._guard = guard
        self._shares_port = shares_port
        self._server = HttpServer(self.handle)

    async def start(self) -> int:
        """Binds; returns the port. Raises ListenError."""
        self.port = await self._server.start(
            self.bind_address, self.port, self._ssl_context, shares_port=self._shares_port
        )
        return self.port

    async def aclose(self) -> None:
        await self._server.aclose()

    async def handle(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        endpoint, _, name = path[1:].partition("/")
        refusal = await self._guard.refusal(request) if self._guard else None
        if refusal is not None:
            return refusal
        if f"/{endpoint}" in _ENDPOINTS and (not name or name in self._checks):
            return _answer(await self._report(endpoint, name, request.query))
        return await self._other(path, request)

    async def _other(self, path: str, request: Request) -> Response:
        if path in self._routes:
            return await self._routes[path](request)
        if path == "/metrics":
            return Response(metrics.render(), content_type=metrics.CONTENT_TYPE)
        if path == slis.PATH:
            return Response(slis.render(), content_type=metrics.CONTENT_TYPE)
        if path == "/configz":
            return Response(orjson.dumps(self._config), content_type="application/json")
        return Response(b"404 page not found\n", 404)

    async def _report(self, endpoint: str, only: str, query: Mapping[str, Sequence[str]]) -> Report:
        if only:
            return await report_one(self._checks[only])
        exclude = frozenset(filter(None, query.get("exclude", ())))
        return await report(endpoint, self._checks, verbose="verbose" in query, exclude=exclude)


def _answer(found: Report) -> Response:
    return Response(found.text.encode(), found.status)
