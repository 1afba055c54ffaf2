"""Manifests behind a URL: one pod, or a PodList.

As upstream: a server that fails leaves the pods as they were, an answer without a body takes all away, and
what has not changed is not parsed again, be it right or wrong.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

import httpx

from component_base.dialling import explain
from kubelet.static_pods.manifest import ManifestError, Origin, UnreadableManifest, static_pods
from kubelet.static_pods.sources import StaticPods, by_key

log = logging.getLogger(__name__)

LIMIT_SECONDS = 10.0
MAX_REDIRECTS = 10
MAX_BODY = 10 << 20
LOUD_FAILURES = 3
"""From then on a failure is told to those who look closely."""

_TOO_LATE = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"


class FetchError(Exception):
    """No manifest came; the text is what Go's client would say."""


class ManifestUrl:
    """`fetch` is asked at once, and then every `period` seconds."""

    def __init__(
        self,
        url: str,
        fetch: Callable[[], Awaitable[bytes]],
        node: str,
        *,
        period: float,
        now: Callable[[], datetime],
    ) -> None:
        self._origin = Origin("http", url, node)
        self._fetch = fetch
        self._period = period
        self._now = now
        self._pods: StaticPods = {}
        self._body = b""
        self._known = asyncio.Event()
        self._failures = 0
        self._pause = 0.0

    def read(self) -> StaticPods:
        return self._pods

    async def changed(self) -> None:
        before = self._pods
        while self._pods is before:
            await asyncio.sleep(self._pause)
            self._pause = self._period
            await self._look()

    async def wait_known(self) -> None:
        await self._known.wait()

    def close(self) -> None:
        """Nothing is kept open."""

    async def _look(self) -> None:
        try:
            self._take(await self._fetch())
        except (FetchError, ManifestError) as error:
            self._tell(error)
        else:
            if self._failures:
                log.info("Successfully read pods from URL")
            self._failures = 0

    def _take(self, body: bytes) -> None:
        """Raises ManifestError."""
        if body and body == self._body:
            return
        self._body = body
        self._pods = self._parse(body)
        self._known.set()
        if not body:
            raise ManifestError(f"zero-length data received from {self._origin.place}")

    def _parse(self, body: bytes) -> StaticPods:
        if not body:
            return {}
        try:
            return by_key(static_pods(body, self._origin, self._now()))
        except UnreadableManifest as error:
            text = body.decode(errors="replace")
            raise ManifestError(
                f"{self._origin.place}: received '{text}', but couldn't parse as "
                f"single ({error}) or multiple pods ({error})"
            ) from error

    def _tell(self, error: Exception) -> None:
        level = logging.INFO if self._failures <= LOUD_FAILURES else logging.DEBUG
        last = ". Dropping verbosity of this message to V(4)" if self._failures == LOUD_FAILURES else ""
        log.log(level, "Failed to read pods from URL%s: err=%s", last, error)
        self._failures += 1


async def fetch(url: str, headers: Mapping[str, Sequence[str]]) -> bytes:
    """The body that a GET is answered with, wherever that leads. Raises FetchError."""
    try:
        async with (
            asyncio.timeout(LIMIT_SECONDS),
            _client(headers) as client,
            client.stream("GET", url) as answer,
        ):
            body = await _read(answer)
    except TimeoutError as error:
        raise FetchError(f'Get "{url}": {_TOO_LATE}') from error
    except httpx.TooManyRedirects as error:
        raise FetchError(f'Get "{url}": stopped after {MAX_REDIRECTS} redirects') from error
    except httpx.InvalidURL as error:
        raise FetchError(f'parse "{url}": {error}') from error
    except httpx.HTTPError as error:
        raise FetchError(f'Get "{url}": {explain(error, urlsplit(url).netloc)}') from error
    if answer.status_code != 200:
        raise FetchError(f"{url}: {answer.status_code} {answer.reason_phrase}")
    return body


def _client(headers: Mapping[str, Sequence[str]]) -> httpx.AsyncClient:
    """For one request: they are rare."""
    pairs = [(name.encode(), value.encode()) for name, values in headers.items() for value in values]
    return httpx.AsyncClient(
        headers=pairs,
        verify=_machine_trust(),
        timeout=None,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
    )


@cache
def _machine_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _read(answer: httpx.Response) -> bytes:
    """Raises FetchError for more than a manifest may have."""
    body = bytearray()
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) >= MAX_BODY:
            raise FetchError("the read limit is reached")
    return bytes(body)
