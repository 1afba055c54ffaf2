"""The filter that hands requests for other servers' APIs to them, in the name of whoever asks.

Source: pkg/apiserver/handler_proxy.go of kube-aggregator 1.34.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from apiserver.aggregation.connections import Connections, Unreachable, reach, user_headers
from apiserver.aggregation.remotes import Remote, Remotes
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.filters.request_info import KEY
from apiserver.request import RequestInfo
from apiserver.responses import send_text
from apiserver.subresources.relay import DialError, tunnel_or_answer
from component_base.first_of import first_of
from component_base.forwarding import Client, answer_headers, forwarded_headers, stream_body
from component_base.tunnel import UPGRADE

if TYPE_CHECKING:
    import httpx

_OPENAPI = "/openapi/v3"
_REMOTE = "x-remote-"


class Aggregation:
    def __init__(self, app: App, remotes: Remotes, connections: Connections) -> None:
        self._app = app
        self._remotes = remotes
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo | None = scope.get(KEY)
        remote = self._find(info.path) if info is not None and self._remotes.all() else None
        if info is None or remote is None:
            return await self._app(scope, receive, send)
        if not remote.is_available:
            return await _unavailable(send, "service unavailable")
        try:
            await self._pass_on(remote, info, scope, receive, send)
        except (DialError, Unreachable) as error:
            await _unavailable(send, str(error))

    def _find(self, path: str) -> Remote | None:
        """Who serves a path of an API, or of its description."""
        parts = path.removeprefix(_OPENAPI).split("/")
        match parts:
            case ["", "apis", group, version, *_]:
                return self._remotes.all().get((group, version))
            case ["", "api", version, *_]:
                return self._remotes.all().get(("", version))
        return None

    async def _pass_on(
        self, remote: Remote, info: RequestInfo, scope: Scope, receive: Receive, send: Send
    ) -> None:
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        relay, url = reach(self._connections, remote.server, path)
        headers = [each for each in forwarded_headers(scope) if not each[0].startswith(_REMOTE)]
        headers += user_headers(info.user)
        if UPGRADE in scope["extensions"]:
            return await tunnel_or_answer(relay, info, scope, send, url, headers)
        client = Client(scope, receive)
        opening = relay.open(info.method, url, headers, client.body() if client.has_body else None)
        await first_of(_answer(opening, send), client.until_gone())


async def _answer(opening: AbstractAsyncContextManager[httpx.Response], send: Send) -> None:
    async with opening as answer:
        start = {"status": answer.status_code, "headers": answer_headers(answer)}
        await send({"type": "http.response.start", **start})
        await stream_body(answer.aiter_raw(), send)


async def _unavailable(send: Send, text: str) -> None:
    await send_text(send, 503, f"{text}\n")
