"""Health, metrics and configuration of a daemon: /healthz /livez /readyz /metrics /metrics/slis /configz.

Health is told to everybody; of the rest a guard, where there is one, says who may have it.
"""

from __future__ import annotations

import inspect
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import orjson

from component_base import metrics, slis
from component_base.http_server import Handler, HttpServer, Request, Response

log = logging.getLogger(__name__)

Check = Callable[[], str | Awaitable[str | None] | None]
"""Says what is wrong, or None if nothing is. The reason goes to the log, not to the caller."""

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
    ) -> None:
        self.bind_address, self.port = bind_address, port
        self._checks: dict[str, Check] = {"ping": lambda: None, **(checks or {})}
        self._ssl_context = ssl_context
        self._routes = dict(routes or {})
        self._config = dict(config or {})
        self._guard = guard
        self._server = HttpServer(self.handle)

    async def start(self) -> int:
        """Binds; returns the port."""
        self.port = await self._server.start(self.bind_address, self.port, self._ssl_context)
        return self.port

    async def aclose(self) -> None:
        await self._server.aclose()

    async def handle(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        endpoint, _, name = path[1:].partition("/")
        if f"/{endpoint}" in _ENDPOINTS and (not name or name in self._checks):
            return await self._report(endpoint, name, request.query)
        refusal = await self._guard.refusal(request) if self._guard else None
        return refusal or await self._guarded(path, request)

    async def _guarded(self, path: str, request: Request) -> Response:
        if path in self._routes:
            return await self._routes[path](request)
        if path == "/metrics":
            return Response(metrics.render(), content_type=metrics.CONTENT_TYPE)
        if path == slis.PATH:
            return Response(slis.render(), content_type=metrics.CONTENT_TYPE)
        if path == "/configz":
            return Response(orjson.dumps(self._config), content_type="application/json")
        return Response(b"404 page not found\n", 404)

    async def _report(self, endpoint: str, only: str, query: Mapping[str, str]) -> Response:
        excluded = set(query.get("exclude", "").split(","))
        names = [only] if only else [name for name in self._checks if name not in excluded]
        wrong = {name: reason for name in names if (reason := await self._run(name)) is not None}
        for name in names if not only else ():
            slis.observe(endpoint, name, ok=name not in wrong)
        if not wrong and (only or "verbose" not in query):
            return Response(b"ok")
        text = "".join(
            f"[-]{name} failed: reason withheld\n" if name in wrong else f"[+]{name} ok\n" for name in names
        )
        if not wrong:
            return Response(f"{text}{endpoint} check passed\n".encode())
        log.info("Check failed: endpoint=%s reasons=%s", endpoint, wrong)
        return Response(f"{text}{endpoint} check failed\n".encode(), 500)

    async def _run(self, name: str) -> str | None:
        result = self._checks[name]()
        return await result if inspect.isawaitable(result) else result
