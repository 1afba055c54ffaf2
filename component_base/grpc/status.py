"""How a call ended: gRPC's codes, and the error that carries one.

Source: https://github.com/grpc/grpc/blob/master/doc/statuscodes.md
"""

from __future__ import annotations

from enum import IntEnum
from urllib.parse import unquote


class Code(IntEnum):
    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class GrpcError(Exception):
    """A call that did not end with OK. `unprocessed`: the server has certainly not begun with it."""

    def __init__(self, code: Code, details: str, *, unprocessed: bool = False) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code
        self.details = details
        self.unprocessed = unprocessed


_HTTP_CODES = {
    "400": Code.INTERNAL,
    "401": Code.UNAUTHENTICATED,
    "403": Code.PERMISSION_DENIED,
    "404": Code.UNIMPLEMENTED,
    "429": Code.UNAVAILABLE,
    "502": Code.UNAVAILABLE,
    "503": Code.UNAVAILABLE,
    "504": Code.UNAVAILABLE,
}


def error_in(headers: dict[str, str]) -> GrpcError | None:
    """What the last headers of a call say; None for OK.

    A server that does not speak gRPC answers with HTTP's status alone.
    """
    status = headers.get("grpc-status")
    if status is None:
        http = headers.get(":status", "")
        return GrpcError(_HTTP_CODES.get(http, Code.UNKNOWN), f"unexpected HTTP status code: {http}")
    if status == "0":
        return None
    try:
        code = Code(int(status))
    except ValueError:
        code = Code.UNKNOWN
    return GrpcError(code, unquote(headers.get("grpc-message", "")))
