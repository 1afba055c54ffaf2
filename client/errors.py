"""Trouble with the connection, as opposed to an answer of the server (`apimachinery.errors.StatusError`).

ConnectionFailed            no answer: refused, reset, timed out, name not found
├─ ConnectionRefused        nobody listens at the server's address
├─ ConnectionTimeout        no answer within the seconds that it may take
└─ StaleConnection          a kept-alive connection had been closed by the server; nothing was answered on it
"""

from __future__ import annotations

from apimachinery.errors import StatusError


class ConnectionFailed(Exception):
    """The server gave no complete answer; whether it acted is not known."""


class ConnectionRefused(ConnectionFailed):
    """Nobody listens at the server's address, `host:port`."""

    def __init__(self, address: str) -> None:
        super().__init__(f"dial tcp {address}: connect: connection refused")
        self.address = address


class ConnectionTimeout(ConnectionFailed):
    """No answer came in time."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__(f"no answer within {seconds or 0.0:g} s")


class StaleConnection(ConnectionFailed):
    """A reused connection turned out to be closed before a byte of the answer came."""


def is_namespace_terminating(error: BaseException) -> bool:
    """Whether a creation was refused because the namespace is going away: trying again is no use."""
    if not isinstance(error, StatusError):
        return False
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ())
