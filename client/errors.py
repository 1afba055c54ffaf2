"""Trouble with the connection, as opposed to an answer of the server (`apimachinery.errors.StatusError`).

ConnectionFailed            no answer: refused, reset, timed out, name not found
└─ StaleConnection          a kept-alive connection had been closed by the server; nothing was answered on it
ConfigError                 a kubeconfig that can't be used
"""

from __future__ import annotations


class ConnectionFailed(Exception):
    """The server gave no complete answer; whether it acted is not known."""


class StaleConnection(ConnectionFailed):
    """A reused connection turned out to be closed before a byte of the answer came."""


class ConfigError(Exception):
    """The configuration names something that is missing or malformed."""
