"""httpx clients for those whom the apiserver asks: webhooks, kubelets, other servers, issuers of tokens."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import httpx

_MAX_IDLE_CONNECTIONS = 20


def new_client(
    tls: ssl.SSLContext | bool, *, timeout: float | httpx.Timeout | None = None, **settings: Any
) -> httpx.AsyncClient:
    """A client without proxies and with as many connections as it needs; `timeout` in seconds."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=_MAX_IDLE_CONNECTIONS)
    transport = _Transport(verify=tls, trust_env=False, limits=limits)
    return httpx.AsyncClient(transport=transport, trust_env=False, timeout=timeout, **settings)


class _Transport(httpx.AsyncHTTPTransport):
    """Hangs up when nobody waits for a TLS handshake any more: httpcore (1.0) forgets such a connection."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "trace": _Handshake()}
        return await super().handle_async_request(request)


class _Handshake:
    """The trace of one request, as httpcore calls it (https://www.encode.io/httpcore/extensions/#trace)."""

    def __init__(self) -> None:
        self._stream: Any = None

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            self._stream = info["return_value"]
        elif event == "connection.start_tls.failed":
            await self._stream.aclose()
