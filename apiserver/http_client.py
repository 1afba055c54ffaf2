"""httpx clients for what the apiserver calls: webhooks, kubelets, other API servers, issuers of tokens."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import httpx

from component_base.rest_metrics import REST

_MAX_IDLE_CONNECTIONS = 20
_SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")
REPEATABLE = {"repeatable": True}
"""The extension of a request that is as safe to repeat, whatever its method."""


def new_client(
    tls: ssl.SSLContext | bool, *, timeout: float | httpx.Timeout | None = None, **settings: Any
) -> httpx.AsyncClient:
    """A client without proxies and with as many connections as it needs; `timeout` in seconds."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MAX_IDLE_CONNECTIONS)
    transport = _Transport(verify=tls, trust_env=False, limits=limits)
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout, **settings)


async def counted(client: httpx.AsyncClient, request: httpx.Request, host: str) -> httpx.Response:
    """Sends it and reads the answer; `host` is who is asked, for metrics. Raises httpx.TransportError."""
    began, code, received = perf_counter(), 0, None
    try:
        answer = await client.send(request)
        code, received = answer.status_code, len(answer.content)
        return answer
    finally:
        REST.answered(request.method, host, code)
        seconds = perf_counter() - began
        REST.exchanged(request.method, host, seconds, len(request.content), received)


class _Transport(httpx.AsyncHTTPTransport):
    """Mends two things of httpcore (1.0).

    A kept connection may be closed by the other side just when a request is sent on it: as Go's client does,
    what is safe to repeat is sent again. And a connection whose TLS handshake nobody waits for any more,
    which httpcore forgets, is closed.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while True:
            dialling = _Dialling()
            request.extensions = {**request.extensions, "trace": dialling}
            try:
                return await super().handle_async_request(request)
            except (httpx.RemoteProtocolError, httpx.NetworkError):
                if dialling.has_begun or not _is_repeatable(request):
                    raise


def _is_repeatable(request: httpx.Request) -> bool:
    is_safe = request.method in _SAFE or request.extensions.get("repeatable", False)
    return is_safe and isinstance(request.stream, httpx.ByteStream)


class _Dialling:
    """The trace of one request, as httpcore calls it (https://www.encode.io/httpcore/extensions/#trace)."""

    def __init__(self) -> None:
        self.has_begun = False
        """Or else the request goes on a connection that was kept."""
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.started":
            self.has_begun = True
        elif event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()
