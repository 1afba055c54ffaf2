"""The connections to webhooks: one pool for each server's name and the certificates it is trusted by."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from apimachinery.decoding import DecodeError
from apimachinery.errors import StatusError, from_status
from apimachinery.objects import Object
from apimachinery.serialize import from_json, from_text_strict, looks_like_json
from apiserver.admission.webhooks.hooks import Endpoint, Hook
from apiserver.services import ServiceAddresses
from apiserver.subresources.targets import authority
from apiserver.yaml_reader import reading
from component_base.certificates import client_context
from component_base.config_shape import in_order, type_meta_problem
from component_base.dialling import explain

if TYPE_CHECKING:
    import httpx

_MAX_CLIENTS = 128
_LAST_GOOD_STATUS = 206
_MAX_TEXT = 2048
"""Bytes of an answer that are told."""
_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json",
    "user-agent": "kube-apiserver-admission",
}


class CallError(Exception):
    """The webhook gave no answer that can be understood; the message is upstream's."""

    def __init__(self, message: str, code: int = 503) -> None:
        super().__init__(message)
        self.code = code


def connect(ca_bundle: bytes) -> httpx.AsyncClient:
    """A client that trusts these certificates, in PEM, or those of the machine. Raises CallError."""
    from apiserver.http_client import new_client

    try:
        tls = client_context(ca=ca_bundle.decode())
    except (ssl.SSLError, ValueError):
        text = "unable to load root certificates: unable to parse bytes as PEM block"
        raise CallError(f"could not get REST client: {text}") from None
    return new_client(tls)


class Caller:
    """httpx is loaded with the first call."""

    def __init__(
        self,
        addresses: ServiceAddresses,
        connect: Callable[[bytes], httpx.AsyncClient] = connect,
    ) -> None:
        """connect(ca_bundle) makes a pool of connections."""
        self._addresses = addresses
        self._connect = connect
        self._clients: dict[tuple[str, bytes], httpx.AsyncClient] = {}
        """Those used last are last: the first are not in use any more when there are too many."""

    async def call(self, hook: Hook, review: Object) -> Any:
        """The decoded answer. Raises CallError."""
        url = f"{hook.endpoint.url}?timeout={hook.seconds:g}s"
        return await self.ask(hook.endpoint, url, review, hook.seconds)

    async def ask(self, endpoint: Endpoint, url: str, review: Object, seconds: float) -> Any:
        """The decoded answer of a webhook of any kind; `url` is as errors name it. Raises CallError."""
        try:
            async with asyncio.timeout(seconds):
                answer = await self._post(endpoint, url, orjson.dumps(review))
        except TimeoutError:
            raise CallError(f'failed to call webhook: Post "{url}": context deadline exceeded') from None
        return await _decode(answer)

    async def _post(self, endpoint: Endpoint, url: str, body: bytes) -> httpx.Response:
        import httpx

        from apiserver.http_client import REPEATABLE, counted

        parts = urlsplit(url)
        name, target, extensions = parts.hostname or "", url, dict[str, Any](REPEATABLE)
        address = parts.netloc
        try:
            if endpoint.service is not None:
                host, port = self._addresses.of(*endpoint.service)
                address = authority(host, port)
                target = parts._replace(netloc=address).geturl()
                extensions["sni_hostname"] = name
            headers = {**_HEADERS, "host": parts.netloc}
            client = await self._client(name, endpoint.ca_bundle)
            request = client.build_request(
                "POST", target, content=body, headers=headers, extensions=extensions
            )
            return await counted(client, request, parts.netloc)
        except StatusError as error:
            raise CallError(f'failed to call webhook: Post "{url}": {error.message}') from None
        except httpx.TransportError as error:
            raise CallError(f'failed to call webhook: Post "{url}": {explain(error, address)}') from error

    async def _client(self, name: str, ca_bundle: bytes) -> httpx.AsyncClient:
        client = self._clients.pop((name, ca_bundle), None) or self._connect(ca_bundle)
        self._clients[name, ca_bundle] = client
        while len(self._clients) > _MAX_CLIENTS:
            oldest = next(iter(self._clients))
            await self._clients.pop(oldest).aclose()
        return client

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()


async def _decode(answer: httpx.Response) -> Any:
    """Raises CallError."""
    if not 200 <= answer.status_code <= _LAST_GOOD_STATUS:
        raise _refusal(answer)
    if not answer.content:
        kind = answer.headers.get("content-type", "")
        why = f"0-length response with status code: {answer.status_code} and content type: {kind}"
        raise CallError(f"failed to call webhook: {why}")
    text = answer.content
    try:
        value = _read(text) if looks_like_json(text) else await reading(_read, text)
    except DecodeError as error:
        raise CallError(f"failed to call webhook: {error}") from None
    if problem := type_meta_problem(value):
        raise CallError(f"failed to call webhook: {problem}")
    return value


def _read(text: bytes) -> Any:
    """With the keys in the order in which Go's decoder comes to them. Raises DecodeError."""
    decoded = from_text_strict(text)
    return decoded.value if decoded.text else in_order(decoded.value)


def _refusal(answer: httpx.Response) -> CallError:
    """What is wrong is only believed of text and of a Status."""
    try:
        decoded = from_json(answer.content)
    except DecodeError:
        decoded = None
    is_status = isinstance(decoded, dict) and decoded.get("status") == "Failure"
    is_text = answer.headers.get("content-type", "text/plain").startswith("text/")
    text = answer.content[:_MAX_TEXT].decode("utf-8", "replace").strip() if is_text else "unknown"
    refusal = from_status(answer.status_code, decoded if is_status else None, text)
    return CallError(f"failed to call webhook: {refusal.message}", refusal.code)
