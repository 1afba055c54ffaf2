"""Where audit events go: the seam, and sinks that are made of other sinks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from apimachinery.objects import Object

Events = Sequence[Object]


class Sink(Protocol):
    """Keeps events (audit.k8s.io/v1). Those that it is given are nobody's to change."""

    async def process(self, events: Events) -> bool:
        """Whether all is well with them; never raises."""

    async def run(self) -> None:
        """What goes on beside requests."""

    async def aclose(self) -> None:
        """Once `run` has ended: what is still waiting goes out, and there will be no more."""


class Union:
    """All of them, one after the other."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = tuple(sinks)

    async def process(self, events: Events) -> bool:
        return all([await each.process(events) for each in self._sinks])

    async def run(self) -> None:
        await asyncio.gather(*(each.run() for each in self._sinks))

    async def aclose(self) -> None:
        for each in self._sinks:
            await each.aclose()


class IgnoreErrors:
    """Mode `blocking`: a request waits for its events to be kept, and is served if they are not."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.run, self.aclose = sink.run, sink.aclose

    async def process(self, events: Events) -> bool:
        await self._sink.process(events)
        return True
