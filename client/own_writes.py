"""What a controller wrote last, so that it never decides on a cache older than its own deeds.

An optimisation only: after a restart, or after five minutes, the cache is believed again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from apimachinery.objects import NamespacedName, Object, resource_version_of
from client.informer import Informer, newest

TIMEOUT_SECONDS = 300.0
MAX_UNSEEN = 1000
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
        self._unseen: dict[str, NamespacedName] = {}
        """Versions that we wrote and no Watch has told of. One that is left out is news: a look too many."""
        self._waiting: set[NamespacedName] = set()
        """Keys whose look was put off until it has."""

    def note(self, key: NamespacedName, answer: Object) -> None:
        """The server's answer to a write on behalf of the key."""
        last, version = self._written.get(key), resource_version_of(answer)
        versions = [version, last.version if last else ""]
        self._written[key] = _Written(newest(versions), asyncio.get_running_loop().time())
        if not self._informer.has_seen(version):
            self._unseen[version] = key
        if len(self._unseen) > MAX_UNSEEN:
            del self._unseen[next(iter(self._unseen))]

    def are_seen(self, key: NamespacedName) -> bool:
        """Whether the cache shows all of them (or it took too long)."""
        last = self._written.get(key)
        if last is None or self._is_late(last) or self._informer.has_seen(last.version):
            self._waiting.discard(key)
            return True
        self._waiting.add(key)
        return False

    def is_news(self, old: Object | None, new: Object | None) -> bool:
        """For a Watch: whether a change is more than one of ours that nobody waits for."""
        key = self._unseen.pop(resource_version_of(new or {}), None)
        return key is None or key in self._waiting

    def forget(self, key: NamespacedName) -> None:
        self._written.pop(key, None)
        self._waiting.discard(key)

    @staticmethod
    def _is_late(written: _Written) -> bool:
        return asyncio.get_running_loop().time() - written.at > TIMEOUT_SECONDS
