"""Large answers are compressed for those who can read that.

Source: pkg/endpoints/handlers/responsewriters/writers.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
import zlib

from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.filters.request_info import KEY

_LEAST = 128 * 1024
_LEVEL = 1
_GZIP_WINDOW = 31
_LENGTH = b"content-length"


class Compression:
    """gzip, at the level that costs least. What has no length (watches, logs) is left alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is None or not accepts_gzip(info.headers.get("accept-encoding", "")):
            return await self._app(scope, receive, send)
        await self._app(scope, receive, Compressor(send).send)


def accepts_gzip(accept_encoding: str) -> bool:
    """As upstream reads it: it knows no weights, so that what has one is not gzip to it."""
    return any(each.strip() == "gzip" for each in accept_encoding.split(","))


class Compressor:
    """One answer. Pieces are compressed in a thread, so that others are served meanwhile."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._zip: zlib._Compress | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"]
            if _is_worth_it(headers):
                self._zip = zlib.compressobj(_LEVEL, wbits=_GZIP_WINDOW)
                kept = [each for each in headers if each[0] != _LENGTH]
                added = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
                message = {**message, "headers": [*kept, *added]}
        elif self._zip is not None and message["type"] == "http.response.body":
            message = {**message, "body": await asyncio.to_thread(self._pressed, message)}
        await self._send(message)

    def _pressed(self, message: Message) -> bytes:
        assert self._zip is not None
        pressed = self._zip.compress(message.get("body", b""))
        return pressed if message.get("more_body") else pressed + self._zip.flush()


def _is_worth_it(headers: list[tuple[bytes, bytes]]) -> bool:
    found = dict(headers)
    return int(found.get(_LENGTH, b"0")) > _LEAST and b"content-encoding" not in found
