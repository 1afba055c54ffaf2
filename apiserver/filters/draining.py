"""Counts requests that a shutdown waits for, and sends those away that come too late.

Source: pkg/server/filters/with_retry_after.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.responses import send_text
from apiserver.shutdown import Shutdown

_REFUSAL = "The apiserver is shutting down, please try again later.\n"
_HEADERS = [(b"retry-after", b"5"), (b"connection", b"close")]
_ALWAYS = ("/healthz", "/livez", "/readyz", "/metrics")


class Draining:
    def __init__(self, app: App, shutdown: Shutdown) -> None:
        self._app = app
        self._shutdown = shutdown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if self._shutdown.refuses and not scope["path"].startswith(_ALWAYS):
            if info is not None:
                info.was_terminated = True
            return await send_text(send, 429, _REFUSAL, _HEADERS)
        if info is None or is_long_running(info):
            return await self._app(scope, receive, send)
        self._shutdown.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._shutdown.leave()
