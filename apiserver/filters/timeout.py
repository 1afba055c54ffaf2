"""Ends requests that take too long; those that are meant to last are let through."""

from __future__ import annotations

import asyncio

from apimachinery.errors import TimeoutStatusError
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running


class Timeout:
    """--request-timeout: the time a request has in all."""

    def __init__(self, app: App, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is None or is_long_running(info):
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(self._seconds) as deadline:
                await self._app(scope, receive, send)
        except TimeoutError:
            if not deadline.expired():
                raise
            info.was_terminated = True
            raise TimeoutStatusError("request did not complete within the allotted timeout") from None
