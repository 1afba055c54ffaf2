"""Hands one engine's events to whoever listens. A listener that falls behind never holds the others up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from kubelet.runtime.interface import RuntimeEvent, RuntimeUnavailable


class EventFeed:
    """Events coalesce by pod: an event only says `look again`."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []

    def publish(self, pod_uid: str) -> None:
        for listener in self._listeners:
            listener.pods[pod_uid] = None
            listener.wake()

    def break_off(self) -> None:
        """The engine went away: every listener's iteration ends with RuntimeUnavailable."""
        for listener in self._listeners:
            listener.broken = True
            listener.wake()

    async def listen(self) -> AsyncIterator[RuntimeEvent]:
        listener = _Listener()
        self._listeners.append(listener)
        try:
            yield RuntimeEvent("")
            while True:
                await listener.woken()
                for pod_uid in listener.take():
                    yield RuntimeEvent(pod_uid)
                if listener.broken:
                    raise RuntimeUnavailable("the engine's event stream ended")
        finally:
            self._listeners.remove(listener)


class _Listener:
    __slots__ = ("_waiter", "broken", "pods")

    def __init__(self) -> None:
        self.pods: dict[str, None] = {}
        self.broken = False
        self._waiter: asyncio.Future[None] | None = None

    def take(self) -> list[str]:
        taken = list(self.pods)
        self.pods.clear()
        return taken

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def woken(self) -> None:
        if self.pods or self.broken:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter
