"""The proxy's ASGI application: requests go on to the API server as its user, switched protocols included."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit

import httpx
from starlette.responses import RedirectResponse, Response

from component_base.first_of import first_of
from component_base.forwarding import (
    Client,
    answer_headers,
    both_ways,
    forwarded_headers,
    stream_body,
    upgrade_headers,
)
from component_base.tunnel import UPGRADE, Tunnel
from kubectl.apiproxy import requests
from kubectl.apiproxy.files import Files, not_found, told
from kubectl.apiproxy.requests import Filter

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from client.rest import Client as ApiClient


class Plan(NamedTuple):
    """What is served where; `files` is empty where no files are served."""

    api_prefix: str = "/"
    files: str = ""
    files_prefix: str = "/static/"
    filter: Filter | None = None
    with_server_path: bool = False


class ApiProxy:
    """`client` says which server, and as whom."""

    def __init__(self, client: ApiClient, plan: Plan) -> None:
        self._plan = plan
        self._identity = client.identity
        server = urlsplit(client.config.server)
        self._origin = f"{server.scheme}://{server.netloc}"
        self._path = server.path.rstrip("/") if plan.with_server_path else ""
        self._files = Files(plan.files_prefix, plan.files) if plan.files else None
        limits = httpx.Limits(max_connections=None)
        verify = client.config.ssl_context() or False
        self._http = httpx.AsyncClient(verify=verify, trust_env=False, timeout=None, limits=limits)
        self._http.headers.clear()  # what a client does not say is not to be said in its place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        plan = self._plan
        if (cleaned := requests.clean(path)) != path:
            query = scope["query_string"].decode("latin-1")
            where = f"{quote(cleaned)}{'?' if query else ''}{query}"
            await RedirectResponse(where, 301)(scope, receive, send)
        elif self._files is not None and path.startswith(plan.files_prefix):
            await self._files(scope, receive, send)
        elif not path.startswith(plan.api_prefix):
            await self._elsewhere(path)(scope, receive, send)
        elif not self._accepts(scope):
            await told("Forbidden", 403)(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send)

    def _elsewhere(self, path: str) -> Response:
        """A prefix without its slash is sent on to it."""
        prefixes = [self._plan.api_prefix, *([self._plan.files_prefix] if self._files else [])]
        return RedirectResponse(f"{path}/", 301) if f"{path}/" in prefixes else not_found()

    def _accepts(self, scope: Scope) -> bool:
        if self._plan.filter is None:
            return True
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
        path = requests.api_path(scope["path"], self._plan.api_prefix)
        return self._plan.filter.accepts(scope["method"], path, host)

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(scope, receive)
        tunnel: Tunnel | None = scope["extensions"].get(UPGRADE)
        headers = [pair for pair in forwarded_headers(scope) if pair[0] not in ("host", "user-agent")]
        own = [pair for pair in await self._identity() if pair[0] != "user-agent" or not _agent(scope)]
        headers += [*own, *_agent(scope), *(upgrade_headers(scope) if tunnel else [])]
        try:
            async with self._open(scope, headers, client) as answer:
                if tunnel is not None and answer.status_code == 101:
                    tunnel.switch(answer.headers.multi_items())
                    await both_ways(tunnel, answer.extensions["network_stream"])
                    return
                start = {"status": answer.status_code, "headers": answer_headers(answer)}
                await send({"type": "http.response.start", **start})
                await first_of(stream_body(answer.aiter_raw(), send), client.until_gone())
        except httpx.TransportError as error:
            await told(str(error) or type(error).__name__, 500)(scope, receive, send)

    @asynccontextmanager
    async def _open(
        self, scope: Scope, headers: Sequence[tuple[str, str]], client: Client
    ) -> AsyncIterator[httpx.Response]:
        path = self._path + requests.api_path(scope["path"], self._plan.api_prefix)
        query = scope["query_string"].decode("latin-1")
        url = f"{self._origin}{quote(path, safe='/:@!$&()*+,;=~')}{'?' if query else ''}{query}"
        body = client.body() if client.has_body else None
        async with self._http.stream(scope["method"], url, headers=list(headers), content=body) as answer:
            yield answer


def _agent(scope: Scope) -> list[tuple[str, str]]:
    return [
        ("user-agent", value.decode("latin-1")) for name, value in scope["headers"] if name == b"user-agent"
    ]
