"""What the kubelet says instead of serving a request."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse


class Refused(Exception):
    """An HTTP status and what to say, in upstream's words where it has some."""

    def __init__(self, status: int, message: str, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)

    def response(self) -> PlainTextResponse:
        response = PlainTextResponse(str(self), self.status)
        headers = MutableHeaders(raw=response.raw_headers)
        for name, value in self.headers:
            headers.append(name, value)
        return response
