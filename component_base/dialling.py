"""Why a back end could not be reached, in the words of Go's dialler, which people and scripts know."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator


def explain(error: BaseException, address: str) -> str:
    """`error` is the client library's; the system's own is somewhere among its causes."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _tls(cause)
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"dial tcp: lookup {address.rpartition(':')[0]}: no such host"
        if isinstance(cause, OSError) and cause.errno in (errno.ECONNRESET, errno.EPIPE):
            return f"read tcp {address}: {os.strerror(cause.errno).lower()}"
        if isinstance(cause, OSError) and cause.errno:
            return f"dial tcp {address}: connect: {os.strerror(cause.errno).lower()}"
    if any("Timeout" in type(cause).__name__ for cause in causes):
        return f"dial tcp {address}: i/o timeout"
    text = str(error)
    if "incomplete" in text or "without sending complete" in text:
        return "unexpected EOF"
    return "EOF" if not text or "disconnected" in text else text


def _tls(error: ssl.SSLError) -> str:
    if error.reason == "WRONG_VERSION_NUMBER":
        return "http: server gave HTTP response to HTTPS client"
    if isinstance(error, ssl.SSLEOFError):
        return "EOF"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: {error.verify_message}"
    return f"remote error: tls: {str(error.reason or error).lower().replace('_', ' ')}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error itself, what caused it, and so on to the bottom."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
