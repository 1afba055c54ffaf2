"""Answers written straight to ASGI: objects, plain text, and StatusErrors as meta/v1 Status."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from apimachinery.errors import AccessDeniedError, StatusError
from apimachinery.protobuf_encoder import encode
from apimachinery.schema import definition_name
from apimachinery.serialize import to_yaml
from apiserver.asgi import Message, Scope, Send, request_uri
from apiserver.negotiation import MEDIA_TYPES, Media, negotiate_media
from apiserver.warning_headers import warning_headers

JSON = b"application/json"
TEXT = b"text/plain; charset=utf-8"
_SANITIZED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_NO_CACHE = (b"cache-control", b"no-cache, private")
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")


def uncached(send: Send) -> Send:
    """A Send of answers that nobody keeps, unless they say that they may be kept."""

    async def send_uncached(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            if not any(name.lower() == _NO_CACHE[0] for name, _ in headers):
                message = {**message, "headers": [*headers, _NO_CACHE]}
        await send(message)

    return send_uncached


async def send_bytes(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes = JSON,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    """One whole answer."""
    lines = [
        _NO_CACHE,
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        *(headers or ()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})


def encoded(value: Any) -> bytes:
    """JSON with a newline at its end, as Go's encoder leaves it and clients that print it expect it."""
    return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)


def in_media(value: Any, media: Media) -> bytes:
    """A value as it is sent. Raises KeyError for protobuf of what has none."""
    match media:
        case "json":
            return encoded(value)
        case "yaml":
            return to_yaml(value).encode()
        case "protobuf":
            return encode(value, definition_name)


async def send_text(
    send: Send, status: int, text: str, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [_NO_SNIFFING, *(more or ())]
    await send_bytes(send, status, text.encode(), TEXT, headers)


async def send_server_error(scope: Scope, send: Send, why: object) -> None:
    """What filters answer with that fail themselves, which upstream does not make a Status of."""
    uri = json.dumps(request_uri(scope)).translate(_SANITIZED)
    await send_text(send, 500, f"Internal Server Error: {uri}: {why}\n")


async def send_status(send: Send, error: StatusError, accept: str = "", warnings: Iterable[str] = ()) -> None:
    """An error as clients expect it: a Status, with Retry-After where the error knows when.

    Who accepts nothing that we have is told in JSON, for people.
    """
    headers = warning_headers(warnings)
    if isinstance(error, AccessDeniedError):
        headers.append(_NO_SNIFFING)
    if error.retry_after:
        headers.append((b"retry-after", b"%d" % error.retry_after))
    media = negotiate_media(accept)
    if media is None:
        body = orjson.dumps(error.to_status(), option=orjson.OPT_INDENT_2)
    else:
        body = in_media(error.to_status(), media)
    await send_bytes(send, error.code, body, MEDIA_TYPES[media or "json"].encode(), headers)
