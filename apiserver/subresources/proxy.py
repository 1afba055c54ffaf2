"""nodes/proxy, pods/proxy and services/proxy: HTTP through the apiserver to what is behind it.

Source: apimachinery/pkg/util/proxy/upgradeaware.go of Kubernetes 1.34.
"""

from __future__ import annotations

import posixpath
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from urllib.parse import quote

from apimachinery.errors import ServiceUnavailableError
from apiserver.admission.chain import Chain
from apiserver.asgi import Receive, Scope, Send
from apiserver.request import RequestInfo
from apiserver.subresources.connecting import admit_connect
from apiserver.subresources.links import Links
from apiserver.subresources.proxy_targets import ProxyTargets
from apiserver.subresources.relay import DialError, read_body, tunnel_or_answer
from component_base.first_of import first_of
from component_base.forwarding import Client, answer_headers, forwarded_headers, stream_body
from component_base.tunnel import UPGRADE

if TYPE_CHECKING:
    import httpx

_NOT_THE_BACKENDS_TO_SAY = frozenset(
    b"access-control-allow-" + name for name in (b"credentials", b"headers", b"methods", b"origin")
)
_READABLE = ("", "gzip", "deflate", "identity")


class Proxy:
    """One handler for the three resources."""

    def __init__(self, targets: ProxyTargets, chain: Chain) -> None:
        self._targets = targets
        self._chain = chain

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        path = proxied_path(scope, info)
        upgrades = UPGRADE in scope["extensions"]
        if not path and not upgrades and info.method in ("GET", "HEAD"):
            return await _redirect(scope, send)
        assert info.resource is not None, "the path has been checked"
        await admit_connect(self._chain, info, info.resource)
        target = await self._targets.find(info)
        query = scope["query_string"].decode("latin-1")
        url = f"{target.base}{path or '/'}{'?' + query if query else ''}"
        if upgrades:
            return await tunnel_or_answer(target.relay, info, scope, send, url)
        prefix = scope["raw_path"].decode("latin-1").removesuffix(path)
        headers = [*forwarded_headers(scope), ("x-forwarded-uri", forwarded_uri(prefix, path))]
        client = Client(scope, receive)
        opening = target.relay.open(info.method, url, headers, client.body() if client.has_body else None)
        links = Links(prefix, target.host, info.headers.get("host", ""))
        await first_of(_pass_on(opening, links, send), client.until_gone())


async def _pass_on(opening: AbstractAsyncContextManager[httpx.Response], links: Links, send: Send) -> None:
    try:
        async with opening as answer:
            await _send_answer(answer, links, send)
    except DialError as error:
        raise ServiceUnavailableError(f"error trying to reach service: {error}") from None


def proxied_path(scope: Scope, info: RequestInfo) -> str:
    """What follows `/proxy`, escaped as the client wrote it; empty without a slash."""
    raw: str = scope["raw_path"].decode("latin-1")
    marker = f"/{quote(info.name, safe=':')}/proxy"
    start = raw.find(marker)
    if start < 0:
        marker = f"/{info.name}/proxy"
        start = raw.find(marker)
    return raw[start + len(marker) :] if start >= 0 else f"/{info.trailing}"


def forwarded_uri(prefix: str, path: str) -> str:
    """The path that the client asked for, as the back end is told."""
    return posixpath.normpath(f"{prefix}/{path}") + ("/" if path.endswith("/") else "")


async def _redirect(scope: Scope, send: Send) -> None:
    """To the same with a slash at the end, so that relative links work."""
    query = scope["query_string"]
    location = scope["raw_path"] + b"/" + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 301, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _send_answer(answer: httpx.Response, links: Links, send: Send) -> None:
    headers = [pair for pair in answer_headers(answer) if pair[0] not in _NOT_THE_BACKENDS_TO_SAY]
    if "location" in answer.headers:
        location = links.rewrite(answer.headers["location"]).encode("latin-1")
        headers = [*(pair for pair in headers if pair[0] != b"location"), (b"location", location)]
    elif _is_page(answer):
        page = links.rewrite_page(await read_body(answer))
        headers = [pair for pair in headers if pair[0] not in (b"content-length", b"content-encoding")]
        headers.append((b"content-length", b"%d" % len(page)))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        return await send({"type": "http.response.body", "body": page})
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    await stream_body(answer.aiter_raw(), send)


def _is_page(answer: httpx.Response) -> bool:
    """HTML that can be read, with links to be rewritten."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    is_readable = answer.headers.get("content-encoding", "") in _READABLE
    return kind == "text/html" and is_readable and answer.request.method != "HEAD"
