"""What a controller wrote last, so that it never decides on a cache older than its own deeds.

An optimisation only: after a restart, or after five minutes, the cache is believed again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apimachinery.objects import NamespacedName, Object, resource_version_of
from client.informer import Informer, newest

TIMEOUT_SECONDS = 300.0
UNSETTLED = 1.0
"""Seconds until the next look when the cache does not show all of them yet; its events come sooner."""


@dataclass(frozen=True, slots=True)
class _Written:
    version: str
    at: float


class OwnWrites:
    """Per key the newest resourceVersion of what was written into one informer's resource."""

    def __init__(self, informer: Informer) -> None:
        self._informer = informer
        self._written: dict[NamespacedName, _Written] = {}

    def note(self, key: NamespacedName, answer: Object) -> None:
        """The server's answer to a write on behalf of the key."""
        last = self._written.get(key)
        versions = [resource_version_of(answer), last.version if last else ""]
        self._written[key] = _Written(newest(versions), asyncio.get_running_loop().time())

    def are_seen(self, key: NamespacedName) -> bool:
        """Whether the cache shows all of them (or it took too long)."""
        last = self._written.get(key)
        if last is None:
            return True
        is_late = asyncio.get_running_loop().time() - last.at > TIMEOUT_SECONDS
        return is_late or self._informer.has_seen(last.version)

    def forget(self, key: NamespacedName) -> None:
        self._written.pop(key, None)
