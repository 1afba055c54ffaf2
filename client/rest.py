"""The REST client: verbs over resources, in plain dicts. Errors are StatusError or ConnectionFailed.

One Client per process; it holds the connections. Caches are in `informer`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import quote, urlencode, urlsplit

import orjson

from apimachinery.errors import StatusError, from_status
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import Resource
from client.errors import ConnectionFailed
from client.transport import Response, Stream, Transport, find_header
from component_base import tracing
from component_base.certificates import load_pair
from component_base.credentials import Credentials
from component_base.kubeconfig import ClientConfig
from component_base.token_bucket import TokenBucket

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

MERGE = "application/merge-patch+json"
JSON = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"

REQUEST_SECONDS = 60.0
"""The server gives up on a request after a minute, too; watches have no such limit."""

_MAX_RETRIES = 10
_BURST_FACTOR = 2

Params = Mapping[str, Any]
Headers = Mapping[str, str]


class Answer(NamedTuple):
    """What is told of an answer, for metrics and logs; `seconds` is how long it took."""

    method: str
    host: str
    path: str
    status: int
    seconds: float


OnAnswer = Callable[[Answer], None]


class Client:
    """Talks to one API server as one user. Safe for any number of concurrent calls of one event loop."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str,
        qps: float | None = None,
        seconds: float | None = REQUEST_SECONDS,
        on_answer: OnAnswer | None = None,
    ) -> None:
        self.config = config
        url = urlsplit(config.server)
        self._prefix = url.path.rstrip("/")
        self._ssl = config.ssl_context()
        self._transport = Transport(
            url.hostname or "localhost",
            url.port or (443 if url.scheme == "https" else 80),
            ssl_context=self._ssl,
            server_hostname=config.tls_server_name,
            unix_path=config.unix_path,
        )
        self._host = url.netloc
        self._credentials = Credentials(config)
        self._bucket = TokenBucket(qps, int(qps * _BURST_FACTOR)) if qps else None
        self._fixed_headers = _fixed_headers(config, url.netloc, user_agent)
        self._user_agent = user_agent
        self._on_answer = on_answer
        self._seconds = seconds
        self.on_warning: Callable[[str], None] | None = None
        """Called with the text of every Warning header."""

    # The verbs.

    async def get(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        return await self._json("GET", resource.path(namespace, name, subresource), params=params)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str | None = None,
        field_selector: str | None = None,
        resource_version: str | None = None,
        limit: int | None = None,
        continue_: str | None = None,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> Object:
        """The List object; its items carry no apiVersion and kind."""
        query = {
            "labelSelector": label_selector, "fieldSelector": field_selector,
            "resourceVersion": resource_version, "limit": limit, "continue": continue_, **(params or {}),
        }  # fmt: skip
        return await self._json("GET", resource.path(namespace), params=query, headers=headers)

    async def create(
        self,
        resource: Resource,
        obj: Object,
        namespace: str | None = None,
        *,
        name: str | None = None,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        """POST to the collection, or to a subresource of `name`."""
        path = resource.path(namespace or namespace_of(obj), name if subresource else None, subresource)
        return await self._json("POST", path, obj, params=params)

    async def update(
        self, resource: Resource, obj: Object, *, subresource: str | None = None, params: Params | None = None
    ) -> Object:
        """PUT; refused with a ConflictError if the object's resourceVersion is no longer current."""
        path = resource.path(namespace_of(obj), name_of(obj), subresource)
        return await self._json("PUT", path, obj, params=params)

    async def update_status(self, resource: Resource, obj: Object) -> Object:
        return await self.update(resource, obj, subresource="status")

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        patch_type: str = MERGE,
        subresource: str | None = None,
        params: Params | None = None,
    ) -> Object:
        path = resource.path(namespace, name, subresource)
        return await self._json("PATCH", path, patch, params=params, content_type=patch_type)

    async def delete(
        self, resource: Resource, name: str, namespace: str | None = None, *, options: Object | None = None
    ) -> Object:
        """Asks for deletion with DeleteOptions; returns the Status, or the object while it lingers."""
        return await self._json("DELETE", resource.path(namespace, name), options)

    async def delete_collection(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        options: Object | None = None,
        params: Params | None = None,
    ) -> Object:
        return await self._json("DELETE", resource.path(namespace), options, params=params)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        timeout_seconds: float | None = None,
        bookmarks: bool = True,
        params: Params | None = None,
        headers: Headers | None = None,
    ) -> AsyncGenerator[tuple[str, Object], None]:
        """Events after a resourceVersion, until the server ends the watch. An ERROR event is raised."""
        query = {
            "watch": "true", "resourceVersion": resource_version, "labelSelector": label_selector,
            "fieldSelector": field_selector, "allowWatchBookmarks": bookmarks or None,
            "timeoutSeconds": int(timeout_seconds) if timeout_seconds else None, **(params or {}),
        }  # fmt: skip
        async for line in self.stream("GET", resource.path(namespace), params=query, headers=headers):
            event = _decode(line)
            if event["type"] == "ERROR":
                raise from_status(event["object"].get("code") or 500, event["object"])
            yield event["type"], event["object"]

    # Everything else.

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> bytes:
        """The body of any request that succeeds."""
        return (await self._exchange(method, path, body, headers, params)).body

    async def open(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> Stream:
        """An answer to be read as it comes (logs); the caller closes it. Refusals are raised."""
        data = await self._request_bytes(method, path, body, headers, params)
        stream = await self._transport.open(method.encode(), data, seconds=self._seconds)
        if stream.status >= 400:
            async with aclosing(stream):
                raise _error_of(stream.status, await stream.read())
        return stream

    async def stream_bytes(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """The body of an answer in pieces, as they come."""
        stream = await self.open(method, path, body=body, headers=headers, params=params)
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk

    async def stream(
        self, method: str, path: str, *, headers: Headers | None = None, params: Params | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The body of an answer in whole lines, as they come: a watch in any representation."""
        stream = await self.open(method, path, headers=headers, params=params)
        async with aclosing(stream):
            async for line in split_lines(stream):
                yield line

    async def http(self) -> httpx.AsyncClient:
        """An httpx client on the same connections, signed in as the same user."""
        import httpx

        from client.httpx_transport import HttpxTransport

        authorization = await self._credentials.header()
        headers = {"user-agent": self._user_agent}
        if authorization:
            headers["authorization"] = authorization.decode()
        return httpx.AsyncClient(
            transport=HttpxTransport(self._transport), base_url=self.config.server, headers=headers
        )

    async def identity(self) -> Sequence[tuple[str, str]]:
        """The headers that say who asks, for a connection made beside this client's own."""
        authorization = await self._credentials.header()
        own = [("authorization", authorization.decode())] if authorization else []
        return [*_identity(self.config, self._user_agent), *own]

    def use_certificate(self, pem: bytes) -> None:
        """Key and certificate in PEM for connections made from now on; old ones end by themselves."""
        if self._ssl is not None:
            load_pair(self._ssl, pem)

    async def aclose(self) -> None:
        await self._transport.aclose()

    # How a request is made.

    async def _json(
        self,
        method: str,
        path: str,
        obj: Any = None,
        *,
        params: Params | None = None,
        headers: Headers | None = None,
        content_type: str = "application/json",
    ) -> Object:
        body = None if obj is None else orjson.dumps(obj)
        if body is not None:
            headers = {"content-type": content_type, **(headers or {})}
        response = await self._exchange(method, path, body, headers, params)
        return _decode(response.body)

    async def _exchange(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> Response:
        """Sends; waits and repeats as long as the server asks for it (429 and 5xx with Retry-After)."""
        for attempt in range(_MAX_RETRIES + 1):
            if self._bucket is not None:
                await self._bucket.take()
            data = await self._request_bytes(method, path, body, headers, params)
            began = time.monotonic()
            response = await self._transport.exchange(method.encode(), data, seconds=self._seconds)
            if self._on_answer is not None:
                self._on_answer(Answer(method, self._host, path, response.status, time.monotonic() - began))
            if self.on_warning is not None:
                for text in warnings_of(response):
                    self.on_warning(text)
            if response.status < 400:
                return response
            delay = retry_after(response)
            if delay is None or attempt == _MAX_RETRIES:
                break
            await asyncio.sleep(delay)
        if response.status == 401:
            self._credentials.expire()
        raise _error_of(response.status, response.body)

    async def _request_bytes(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Headers | None = None,
        params: Params | None = None,
    ) -> bytes:
        target = f"{self._prefix}{quote(path, safe='/:@!$&()*+,;=~')}{encode_params(params)}"
        lines = [f"{method} {target} HTTP/1.1\r\n{self._fixed_headers}"]
        extra = {**tracing.to_headers(tracing.current()), **(headers or {})}
        if "accept" not in extra:
            extra["accept"] = "application/json"
        lines += [f"{name}: {value}\r\n" for name, value in extra.items()]
        authorization = await self._credentials.header()
        if authorization is not None:
            lines.append(f"authorization: {authorization.decode()}\r\n")
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body or b'')}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode() + (body or b"")


def _fixed_headers(config: ClientConfig, host: str, user_agent: str) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in [("host", host), *_identity(config, user_agent)])


def _identity(config: ClientConfig, user_agent: str) -> list[tuple[str, str]]:
    """Who asks, as far as that does not change: the program, and whom it impersonates."""
    headers = [("user-agent", user_agent)]
    if config.impersonate:
        headers.append(("impersonate-user", config.impersonate))
    if config.impersonate_uid:
        headers.append(("impersonate-uid", config.impersonate_uid))
    return headers + [("impersonate-group", group) for group in config.impersonate_groups]


def encode_params(params: Params | None) -> str:
    """`?a=b&c=true`, without what is None."""
    if not params:
        return ""
    given = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in params.items()
        if value is not None
    }
    return f"?{urlencode(given, doseq=True)}" if given else ""


def retry_after(response: Response) -> float | None:
    """The seconds after which the server wants the request again, or None if it doesn't."""
    if response.status != 429 and response.status < 500:
        return None
    value = find_header(response.headers, b"retry-after")
    return float(value) if value and value.isdigit() else None


def warnings_of(response: Response) -> Iterator[str]:
    """The texts of the Warning headers (`299 - "text"`)."""
    for name, value in response.headers:
        if name.lower() == b"warning":
            match = re.fullmatch(r'\d{3} \S+ "((?:[^"\\]|\\.)*)".*', value.decode("utf-8", "replace"))
            if match:
                yield re.sub(r"\\(.)", r"\1", match[1])


def _decode(body: bytes) -> Object:
    try:
        return cast(Object, orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise ConnectionFailed(f"the server's answer is no JSON: {error}") from error


def _error_of(status: int, body: bytes) -> StatusError:
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        decoded = None
    return from_status(status, decoded if isinstance(decoded, dict) else None, body.decode(errors="replace"))


async def split_lines(chunks: AsyncIterator[bytes] | Stream) -> AsyncIterator[bytes]:
    """The complete lines of a stream; a rest without a newline is a broken watch."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line:
                yield line
    if rest.strip():
        raise ConnectionFailed("unexpected EOF")
