"""Which requests the proxy lets through, and what their paths become. Pure.

Source: k8s.io/kubectl/pkg/proxy/proxy_server.go; the defaults are its own.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import NamedTuple

from kubectl.failures import PlainError

ACCEPT_HOSTS = r"^localhost$,^127\.0\.0\.1$,^\[::1\]$"
ACCEPT_PATHS = "^.*"
REJECT_PATHS = "^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach"
REJECT_METHODS = "^$"

Patterns = tuple[re.Pattern[str], ...]


class Filter(NamedTuple):
    """What is rejected is rejected, whatever accepts it besides."""

    accept_hosts: Patterns
    accept_paths: Patterns
    reject_paths: Patterns
    reject_methods: Patterns

    def accepts(self, method: str, path: str, host: str) -> bool:
        """`host` is the Host header, with or without a port."""
        if _any_matches(self.reject_paths, path) or _any_matches(self.reject_methods, method):
            return False
        return _any_matches(self.accept_paths, path) and _any_matches(self.accept_hosts, without_port(host))


def patterns(text: str) -> Patterns:
    """The expressions of a flag, between commas. Raises CommandError."""
    try:
        return tuple(re.compile(each) for each in text.split(",")) if text else ()
    except re.error as error:
        raise PlainError(f"Error compiling re: {error}", 255) from None


def _any_matches(expressions: Iterable[re.Pattern[str]], text: str) -> bool:
    return any(each.search(text) for each in expressions)


def without_port(host: str) -> str:
    """`localhost` of `localhost:8001`; an IPv6 address with a port loses its brackets, as Go has it."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit() or (":" in name and not name.startswith("[")):
        return host
    return name.removeprefix("[").removesuffix("]")


def clean(path: str) -> str:
    """Without `//`, `.` and `..`, as Go's ServeMux sends clients on to it; a slash at the end stays."""
    cleaned = posixpath.normpath(f"/{path.lstrip('/')}")
    return f"{cleaned}/" if path.endswith("/") and cleaned != "/" else cleaned


def folder(prefix: str) -> str:
    return prefix if prefix.endswith("/") else f"{prefix}/"


def api_path(path: str, prefix: str) -> str:
    """The path that the server is asked for; of a prefix within the API itself nothing is taken off."""
    if prefix.startswith("/api"):
        return path
    return f"/{path.removeprefix(prefix).lstrip('/')}"
