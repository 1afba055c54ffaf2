"""Lets those wait who need to know when one of some things changes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Iterator
from contextlib import contextmanager


class News:
    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Event]] = {}

    def tell(self, key: Hashable) -> None:
        for event in self._waiting.get(key, ()):
            event.set()

    @contextmanager
    def about(self, keys: Collection[Hashable]) -> Iterator[asyncio.Event]:
        """An event that is set whenever one of the keys is told of."""
        event = asyncio.Event()
        for key in keys:
            self._waiting.setdefault(key, set()).add(event)
        try:
            yield event
        finally:
            for key in keys:
                self._waiting[key].discard(event)
                if not self._waiting[key]:
                    del self._waiting[key]
