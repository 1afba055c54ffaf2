"""How a request is made: signed in, paced, repeated as long as the server asks for it, and reported.

The verbs over resources are in `rest`.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

import orjson

from apimachinery.errors import StatusError, from_status
from client.errors import ConnectionFailed
from client.throttle import Throttle
from client.transport import Response, Stream, Transport, find_header
from component_base import tracing
from component_base.certificates import load_pair
from component_base.credentials import Credentials
from component_base.kubeconfig import ClientConfig, ConfigError

if TYPE_CHECKING:
    import httpx

REQUEST_SECONDS = 60.0
"""The server gives up on a request after a minute, too; watches have no such limit."""

_MAX_RETRIES = 10
_BURST_FACTOR = 2

Params = Mapping[str, Any]
Headers = Mapping[str, str]


class Request(NamedTuple):
    """What is asked, and nothing of who asks. `path` is without the server's own prefix."""

    method: str
    path: str
    body: bytes | None = None
    headers: Headers | None = None
    params: Params | None = None


class Answer(NamedTuple):
    """What is told of every attempt, for metrics and logs."""

    method: str
    host: str
    path: str
    status: int
    """0: there was no answer."""
    seconds: float
    params: Params | None
    sent: int = 0
    """Bytes of the body, as are those received."""
    received: int | None = None
    """None: nothing, or not all yet."""
    is_stream: bool = False
    """Whether the answer is read as it comes."""
    is_retry: bool = False
    waited: float | None = None
    """Seconds before that, for its turn; None where there is no limit to requests."""

    @property
    def query(self) -> str:
        """Made for those who show it."""
        return encode_params(self.params)


OnAnswer = Callable[[Answer], None]


class Requester:
    """Talks to one API server as one user. Safe for any number of concurrent calls of one event loop."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        user_agent: str,
        qps: float | None = None,
        burst: int = 0,
        seconds: float | None = REQUEST_SECONDS,
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Requests are as many as `qps` a second in the long run, and `burst` at once: twice as many if 0."""
        self.config = config
        url = urlsplit(config.server)
        self._prefix = url.path.rstrip("/")
        self._ssl = config.ssl_context()
        self._transport = _transport(config, self._ssl)
        self._host = url.netloc
        self._credentials = Credentials(config)
        self._throttle = Throttle(qps, burst or int(qps * _BURST_FACTOR)) if qps else None
        self._fixed_headers = _fixed_headers(config, url.netloc, user_agent)
        self._user_agent = user_agent
        self._on_answer = on_answer
        self._seconds = seconds
        self.on_warning: Callable[[str], None] | None = None
        """Called with the text of every Warning header."""

    def beside(self, *, seconds: float) -> Self:
        """The same user without a limit and over other connections, so that it waits behind nothing here.

        Credentials are shared: what `use_certificate` is given is for both.
        """
        other = copy(self)
        other._transport = _transport(self.config, self._ssl)
        other._throttle, other._seconds = None, seconds
        return other

    async def exchange(self, request: Request) -> Response:
        """Sends; waits and repeats as long as the server asks for it (429 and 5xx with Retry-After).

        Raises StatusError for what is refused, ConnectionFailed.
        """
        for attempt in range(_MAX_RETRIES + 1):
            response = await self._send(request, is_retry=attempt > 0)
            if response.status < 400:
                return response
            delay = retry_after(response)
            if delay is None or attempt == _MAX_RETRIES:
                break
            await asyncio.sleep(delay)
        raise self._refusal(response.status, response.body)

    async def _send(self, request: Request, *, is_retry: bool) -> Response:
        """Once, when it may, and tells whoever wants to know."""
        waited = None
        if self._throttle is not None:
            waited = await self._throttle.wait(request.method, request.path)
        data = await self._encode(request)
        began, status, received = time.monotonic(), 0, None
        try:
            response = await self._transport.exchange(request.method.encode(), data, seconds=self._seconds)
            status, received = response.status, len(response.body)
        finally:
            self._tell(request, began, status, received=received, is_retry=is_retry, waited=waited)
        if self.on_warning is not None:
            for text in warnings_of(response):
                self.on_warning(text)
        return response

    async def begin(self, request: Request) -> Stream:
        """An answer to be read as it comes; the caller closes it. Refusals are raised."""
        data = await self._encode(request)
        began, status = time.monotonic(), 0
        try:
            stream = await self._transport.open(request.method.encode(), data, seconds=self._seconds)
            status = stream.status
        finally:
            self._tell(request, began, status, is_stream=True)
        if stream.status >= 400:
            async with aclosing(stream):
                raise self._refusal(stream.status, await stream.read())
        return stream

    def _tell(self, request: Request, began: float, status: int, **more: Any) -> None:
        if self._on_answer is None:
            return
        seconds, sent = time.monotonic() - began, len(request.body or b"")
        self._on_answer(
            Answer(request.method, self._host, request.path, status, seconds, request.params, sent, **more)
        )

    def _refusal(self, status: int, body: bytes) -> StatusError:
        if status == 401:
            self._credentials.expire()
        return _error_of(status, body)

    async def _encode(self, request: Request) -> bytes:
        method, path, body, headers, params = request
        target = f"{self._prefix}{quote(path, safe='/:@!$&()*+,;=~')}{encode_params(params)}"
        lines = [f"{method} {target} HTTP/1.1\r\n{self._fixed_headers}"]
        extra = {**tracing.to_headers(tracing.current()), **(headers or {})}
        if "accept" not in extra:
            extra["accept"] = "application/json"
        lines += [f"{name}: {value}\r\n" for name, value in extra.items()]
        authorization = await self._authorization()
        if authorization is not None:
            lines.append(f"authorization: {authorization}\r\n")
        if body is not None or method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body or b'')}\r\n")
        lines.append("\r\n")
        return "".join(lines).encode() + (body or b"")

    async def _authorization(self) -> str | None:
        """Raises ConnectionFailed if there is none to be had: the next time there may be."""
        try:
            value = await self._credentials.header()
        except (ConfigError, OSError) as error:
            raise ConnectionFailed(str(error)) from error
        return None if value is None else value.decode()

    async def http(self) -> httpx.AsyncClient:
        """An httpx client on the same connections, signed in as the same user."""
        import httpx

        from client.httpx_transport import HttpxTransport

        authorization = await self._authorization()
        headers = {"user-agent": self._user_agent}
        if authorization is not None:
            headers["authorization"] = authorization
        return httpx.AsyncClient(
            transport=HttpxTransport(self._transport), base_url=self.config.server, headers=headers
        )

    async def identity(self) -> Sequence[tuple[str, str]]:
        """The headers that say who asks, for a connection made beside these."""
        authorization = await self._authorization()
        own = [("authorization", authorization)] if authorization is not None else []
        return [*_identity(self.config, self._user_agent), *own]

    def use_certificate(self, pem: bytes) -> None:
        """Key and certificate in PEM for connections made from now on; old ones end by themselves."""
        if self._ssl is not None:
            load_pair(self._ssl, pem)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _transport(config: ClientConfig, ssl_context: ssl.SSLContext | None) -> Transport:
    url = urlsplit(config.server)
    return Transport(
        url.hostname or "localhost",
        url.port or (443 if url.scheme == "https" else 80),
        ssl_context=ssl_context,
        server_hostname=config.tls_server_name,
        unix_path=config.unix_path,
    )


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
    """`?a=b&c=true`, by name, without what is None."""
    if not params:
        return ""
    given = {
        key: str(value).lower() if isinstance(value, bool) else value
        for key, value in sorted(params.items())
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


def _error_of(status: int, body: bytes) -> StatusError:
    try:
        decoded = orjson.loads(body)
    except orjson.JSONDecodeError:
        decoded = None
    return from_status(status, decoded if isinstance(decoded, dict) else None, body.decode(errors="replace"))
