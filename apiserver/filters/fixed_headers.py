"""Headers that flags add to answers: CORS for pages of other origins, HSTS for browsers.

Source: pkg/server/filters/{cors,hsts}.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.patterns import PatternError, compile_pattern

Headers = list[tuple[bytes, bytes]]

_DIRECTIVE = re.compile("includeSubDomains|preload|max-age=[^=]*")
_ALLOWED = [
    (b"access-control-allow-methods", b"POST, GET, OPTIONS, PUT, DELETE, PATCH"),
    (
        b"access-control-allow-headers",
        b"Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, "
        b"If-Modified-Since",
    ),
    (b"access-control-expose-headers", b"Date"),
    (b"access-control-allow-credentials", b"true"),
]


class CrossOrigin:
    """Pages of the origins that match one of the patterns may ask; before anybody asks who they are."""

    def __init__(self, app: App, patterns: Sequence[str]) -> None:
        self._app = app
        self._patterns = [compile_pattern(each) for each in patterns]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = _origin(scope)
        if not origin or not any(each.search(origin) for each in self._patterns):
            return await self._app(scope, receive, send)
        headers = [(b"access-control-allow-origin", origin.encode("latin-1")), *_ALLOWED]
        if scope["method"] != "OPTIONS":
            return await self._app(scope, receive, with_headers(send, headers))
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


class StrictTransportSecurity:
    def __init__(self, app: App, directives: Sequence[str]) -> None:
        self._app = app
        self._headers = [(b"strict-transport-security", "; ".join(directives).encode())]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, with_headers(send, self._headers))


def with_headers(send: Send, headers: Headers) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *headers]}
        await send(message)

    return sent


def _origin(scope: Scope) -> str:
    found: Any = dict(reversed(scope["headers"])).get(b"origin", b"")  # the first
    return str(found.decode("latin-1"))


def origins_problem(patterns: Sequence[str]) -> str:
    """What --cors-allowed-origins may not say, in upstream's words; "" if all is well."""
    for each in patterns:
        try:
            compile_pattern(each)
        except PatternError as error:
            return f"--cors-allowed-origins has an invalid regular expression: {error}"
        if not (("^" in each or "//" in each) and ("$" in each or ":" in each)):
            unpinned = "regular expression does not pin to start/end of host in the origin header"
            return f"--cors-allowed-origins has an invalid regular expression: {unpinned}"
    return ""


def directives_problem(directives: Sequence[str]) -> str:
    """The same of --strict-transport-security-directives."""
    for each in directives:
        if not _DIRECTIVE.fullmatch(each):
            return (
                "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, "
                "includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more "
                "information"
            )
    return ""
