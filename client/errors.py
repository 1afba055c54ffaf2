"""Trouble with the connection, as opposed to an answer of the server (`apimachinery.errors.StatusError`).

ConnectionFailed            no answer: refused, reset, timed out, name not found
└─ StaleConnection          a kept-alive connection had been closed by the server; nothing was answered on it
ConfigError                 a kubeconfig that can't be used
"""

from __future__ import annotations

from apimachinery.errors import StatusError


class ConnectionFailed(Exception):
    """The server gave no complete answer; whether it acted is not known."""


class StaleConnection(ConnectionFailed):
    """A reused connection turned out to be closed before a byte of the answer came."""


class ConfigError(Exception):
    """The configuration names something that is missing or malformed."""


def is_namespace_terminating(error: BaseException) -> bool:
    """Whether a creation was refused because the namespace is going away: trying again is no use."""
    if not isinstance(error, StatusError):
        return False
    return any(cause.get("reason") == "NamespaceTerminating" for cause in error.details.get("causes") or ())
