"""Webhooks that a kubeconfig file names: who they are, and how often a call is tried again.

Source: pkg/util/webhook/webhook.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from apimachinery.durations import format_duration
from apimachinery.errors import StatusError, from_status
from apiserver.config_files import ConfigError
from component_base import kubeconfig
from component_base.credentials import Credentials
from component_base.dialling import explain
from component_base.kubeconfig import ClientConfig

if TYPE_CHECKING:
    import httpx

_ATTEMPTS, _FACTOR, _JITTER = 5, 1.5, 0.2
_RETRIABLE = (429, 500, 504)

ShouldRetry = Callable[[Exception], bool]
Read = Callable[[bytes], Any]


class WebhookError(Exception):
    """A webhook gave no answer; `was_reset`: the connection ended while it was asked."""

    def __init__(self, message: str, *, was_reset: bool = False) -> None:
        super().__init__(message)
        self.was_reset = was_reset


def is_transient(error: Exception) -> bool:
    """What upstream tries again unless it is told otherwise."""
    if isinstance(error, StatusError):
        return error.code in _RETRIABLE or bool(error.retry_after)
    return isinstance(error, WebhookError) and error.was_reset


def load_webhook_config(path: str) -> ClientConfig:
    """Raises ConfigError, also for certificates that are none."""
    try:
        config = kubeconfig.load(path, environ={})
        config.ssl_context()
    except kubeconfig.ConfigError as error:
        raise ConfigError(str(error)) from None
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"{path}: no certificate that can be used: {error}") from None
    return config


def delays(first: float, randomness: random.Random) -> Iterator[float]:
    """Seconds to wait after each attempt but the last."""
    for power in range(_ATTEMPTS - 1):
        yield first * _FACTOR**power * (1 + _JITTER * randomness.random())


class GenericWebhook:
    """One webhook and the connections to it. httpx is loaded with the first call."""

    def __init__(
        self,
        config: ClientConfig,
        *,
        backoff: float,
        should_retry: ShouldRetry = is_transient,
        timeout: float = 30.0,
        randomness: random.Random,
    ) -> None:
        """`backoff`: seconds to wait after the first failure; `timeout`: what one attempt may take."""
        self._config = config
        self._credentials = Credentials(config)
        self._backoff = backoff
        self._should_retry = should_retry
        self._timeout = timeout
        self._randomness = randomness
        self._client: httpx.AsyncClient | None = None

    async def post(self, obj: Any) -> Any:
        """The decoded answer, None if it is empty. Raises StatusError, WebhookError."""
        return await self._patiently(orjson.dumps(obj), _decoded)

    async def tell(self, obj: Any) -> None:
        """As `post`, where nothing but a good status is expected. Raises StatusError, WebhookError."""
        await self._patiently(orjson.dumps(obj), lambda content: None)

    async def _patiently(self, body: bytes, read: Read) -> Any:
        for delay in delays(self._backoff, self._randomness):
            try:
                return read(await self._post(body))
            except (StatusError, WebhookError) as error:
                if not self._should_retry(error):
                    raise
            await asyncio.sleep(delay)
        return read(await self._post(body))

    async def _post(self, body: bytes) -> bytes:
        """The content of a good answer. Raises StatusError, WebhookError."""
        import httpx

        server = self._config.server
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._send(body)
        except TimeoutError:
            raise WebhookError(f'Post "{server}": context deadline exceeded') from None
        except httpx.RequestError as error:
            reason = explain(error, urlsplit(server).netloc)
            was_reset = isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError)
            raise WebhookError(f'Post "{server}": {reason}', was_reset=was_reset) from error
        if not answer.is_success:
            raise _refusal(answer)
        return answer.content

    async def _send(self, body: bytes) -> httpx.Response:
        """Raises httpx.RequestError, WebhookError."""
        from apiserver.http_client import counted

        client = self._client = self._client or self._connect()
        headers = {"content-type": "application/json", "accept": "application/json, */*"}
        try:
            if (authorization := await self._credentials.header()) is not None:
                headers["authorization"] = authorization.decode()
        except (OSError, kubeconfig.ConfigError) as error:
            raise WebhookError(f"getting credentials: {error}") from None
        extensions = {"sni_hostname": name} if (name := self._config.tls_server_name) else {}
        server = self._config.server
        request = client.build_request("POST", server, content=body, headers=headers, extensions=extensions)
        return await counted(client, request, urlsplit(server).netloc)

    def _connect(self) -> httpx.AsyncClient:
        from apiserver.http_client import new_client

        return new_client(
            self._config.ssl_context() or False,
            params={"timeout": format_duration(self._timeout)},
            headers={"user-agent": "kube-apiserver"},
        )

    async def aclose(self) -> None:
        if self._client is not None:
            await self._client.aclose()


def _decoded(content: bytes) -> Any:
    """Raises WebhookError."""
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError as error:
        raise WebhookError(f"couldn't get version/kind; json parse error: {error}") from None


def _refusal(answer: httpx.Response) -> StatusError:
    try:
        status = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        status = None
    return from_status(answer.status_code, status if isinstance(status, dict) else None, answer.text)
