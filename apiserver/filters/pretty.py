"""Indents JSON for people: for browsers, curl and wget, and for whoever asks with ?pretty=true.

Source: isPrettyPrint in pkg/endpoints/handlers/negotiation/negotiate.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import orjson

from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.filters.request_info import KEY
from apiserver.request import RequestInfo

_OF_PEOPLE = ("curl", "Wget", "Mozilla/5.0")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_LENGTH, _TYPE = b"content-length", b"content-type"


class Pretty:
    """What has no length (watches, logs) and what does not come from the API (OpenAPI) is left alone."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info = scope.get(KEY)
        if info is None or not is_pretty(info):
            return await self._app(scope, receive, send)
        is_api = info.path.startswith("/api")
        await self._app(scope, receive, _Indenter(send, is_api=is_api).send)


def is_pretty(info: RequestInfo) -> bool:
    if "pretty" in info.query and (wanted := info.first("pretty")):
        return wanted in _TRUE
    return info.user_agent.startswith(_OF_PEOPLE)


class _Indenter:
    """Keeps an answer back until it is whole."""

    def __init__(self, send: Send, *, is_api: bool) -> None:
        self._send = send
        self._is_api = is_api
        self._start: Message | None = None
        self._parts: list[bytes] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_indented(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._parts.append(message.get("body", b""))
            if not message.get("more_body"):
                await self._send_indented(self._start)

    def _is_indented(self, start: Message) -> bool:
        headers = dict(start["headers"])
        is_json = _LENGTH in headers and headers.get(_TYPE, b"").startswith(b"application/json")
        return is_json and (self._is_api or start["status"] >= 400)

    async def _send_indented(self, start: Message) -> None:
        body = b"".join(self._parts)
        if body:
            body = orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
        kept = [each for each in start["headers"] if each[0] != _LENGTH]
        await self._send({**start, "headers": [*kept, (_LENGTH, b"%d" % len(body))]})
        await self._send({"type": "http.response.body", "body": body})
