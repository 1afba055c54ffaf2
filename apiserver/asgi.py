"""The ASGI types that filters and handlers share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from apiserver.request import RequestInfo

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

Handler = Callable[[RequestInfo, Scope, Receive, Send], Awaitable[None]]
"""What serves one kind of resource request once the filters let it through."""

BODY_STREAM = "sampan.body-stream"
"""The scope extension that holds the connection's BodyStream, where the server offers it."""


def request_uri(scope: Scope) -> str:
    """Path and query as the client sent them."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string") or b""
    return (path + b"?" + query if query else path).decode("latin-1")


class BodyStream(Protocol):
    """More of the body of an answer under way, past all layers: for watches, which are many small pieces."""

    @property
    def is_ready(self) -> bool:
        """Whether the client keeps up with what it is sent."""

    def write(self, piece: bytes) -> None:
        """Sends a piece, which must not be empty."""
