"""A small HTTP client for probes and lifecycle hooks.

One GET, certificates not verified, redirects as upstream. Owns no policy: what a status means is decided
by `judge`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urljoin, urlsplit

import httptools

from kubelet.probes.outcome import Attempt, Outcome

USER_AGENT = "kube-probe/1.34"
MAX_BODY = 10 * 1024
MAX_REDIRECTS = 10
NOT_TLS = "http: server gave HTTP response to HTTPS client"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpGet:
    """A request to make; `host` is where to connect."""

    host: str
    port: int
    path: str = "/"
    scheme: str = "http"
    headers: Sequence[tuple[str, str]] = ()

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        path = self.path if self.path.startswith("/") else f"/{self.path}"
        return f"{self.scheme}://{self.authority}{path}"


@dataclass(slots=True)
class HttpResponse:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class HttpFailed(Exception):
    """No answer came; the message is Go's."""


class _Collector:
    """Receives httptools' callbacks."""

    def __init__(self) -> None:
        self.response = HttpResponse()
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.response.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.response.body += body[: MAX_BODY - len(self.response.body)]

    def on_message_complete(self) -> None:
        self.complete = True


async def probe_http(request: HttpGet, limit: float) -> Attempt:
    """GETs and judges. Never raises."""
    url = request.url
    try:
        async with asyncio.timeout(limit):
            response = await follow(url, request.headers)
    except TimeoutError:
        why = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Attempt(Outcome.FAILURE, f'Get "{url}": {why}')
    except HttpFailed as error:
        return Attempt(Outcome.FAILURE, f'Get "{url}": {error}')
    return judge(response)


def judge(response: HttpResponse) -> Attempt:
    """200 to 399 is success; a redirect that could not be followed is worth a warning."""
    body = response.body.decode(errors="replace")
    if 300 <= response.status < 400:
        return Attempt(Outcome.WARNING, f"Probe terminated redirects, Response body: {body}")
    if 200 <= response.status < 300:
        return Attempt(Outcome.SUCCESS, body)
    return Attempt(Outcome.FAILURE, f"HTTP probe failed with statuscode: {response.status}")


async def follow(url: str, headers: Sequence[tuple[str, str]]) -> HttpResponse:
    """The last answer: redirects lead to it as long as they stay on the host. Raises HttpFailed."""
    for _ in range(MAX_REDIRECTS):
        response = await get(url, headers)
        location = response.headers.get("location")
        if response.status not in _REDIRECTS or not location:
            return response
        try:
            target = urljoin(url, location)
            if urlsplit(target).hostname != urlsplit(url).hostname:
                return response
        except ValueError as error:
            raise HttpFailed(f'failed to parse Location header "{location}": {error}') from error
        url = target
    raise HttpFailed(f"stopped after {MAX_REDIRECTS} redirects")


async def get(url: str, headers: Sequence[tuple[str, str]]) -> HttpResponse:
    """One exchange on a connection of its own. Raises HttpFailed."""
    try:
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if tls else 80)
    except ValueError as error:
        raise HttpFailed(f'parse "{url}": {error}') from error
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=_unverified() if tls else None)
    except (OSError, UnicodeError) as error:
        raise HttpFailed(dial_error(host, port, error)) from error
    try:
        writer.write(_request_bytes(url, headers))
        return await _read_response(reader)
    except httptools.HttpParserError as error:
        raise HttpFailed(f"net/http: HTTP/1.x transport connection broken: {error}") from error
    except OSError as error:
        raise HttpFailed(f"read tcp {host}:{port}: {_words(error)}") from error
    finally:
        writer.close()


def dial_error(host: str, port: int, error: OSError | UnicodeError) -> str:
    """Go's words for a connection that was not made; UnicodeError is of a host that can be no name."""
    if isinstance(error, UnicodeError):
        return f"dial tcp: lookup {host}: no such host"
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return NOT_TLS
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return f"dial tcp {where}: i/o timeout"
    if isinstance(error, socket.gaierror):
        return f"dial tcp: lookup {host}: no such host"
    return f"dial tcp {where}: connect: {_words(error)}"


def _words(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError):
        return "connection reset by peer"
    return (error.strerror or str(error)).lower()


@cache
def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _request_bytes(url: str, headers: Sequence[tuple[str, str]]) -> bytes:
    parts = urlsplit(url)
    given = {name.lower() for name, _ in headers}
    lines = [f"GET {parts.path or '/'}{'?' + parts.query if parts.query else ''} HTTP/1.1"]
    defaults = (("Host", parts.netloc), ("User-Agent", USER_AGENT), ("Accept", "*/*"))
    lines += [f"{name}: {value}" for name, value in defaults if name.lower() not in given]
    lines += [f"{name}: {value}" for name, value in headers if value]  # an empty one takes the default away
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", errors="replace")


async def _read_response(reader: asyncio.StreamReader) -> HttpResponse:
    collector = _Collector()
    parser = httptools.HttpResponseParser(collector)
    while not collector.complete:
        data = await reader.read(65536)
        if not data:
            break
        parser.feed_data(data)
        if len(collector.response.body) >= MAX_BODY:
            break
    collector.response.status = parser.get_status_code()
    if not collector.response.status:
        raise HttpFailed("EOF")
    return collector.response
