"""Two answers of each kubelet, taken when somebody asks and the last one is not recent.

Whoever asks regularly gets the average since he asked last; the first one waits for a second to pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple

from apimachinery.objects import Object, name_of, uid_of
from apiserver.resource_metrics.scrape import LONGEST, Scrape

log = logging.getLogger(__name__)

RESOLUTION = 10.0
"""Seconds for which an answer is recent. The autoscaler asks every 15."""
FIRST_WINDOW = 1.0
AT_ONCE = 64

Ask = Callable[[Object], Awaitable[Scrape]]
"""Has the kubelet of a Node tell. Raises ScrapeError."""
Clock = Callable[[], float]


class ScrapeError(Exception):
    """A kubelet did not tell what is used."""


class Pair(NamedTuple):
    last: Scrape
    before: Scrape


class Sampler:
    """Of all nodes; those who ask for the same one at the same time share the answer."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._nodes: dict[str, _NodeSampler] = {}
        """By the Node's uid."""

    async def sample(self, nodes: Collection[Object]) -> dict[str, Pair]:
        """By name; nodes that do not tell are missing."""
        self._nodes = {uid: each for uid, each in self._nodes.items() if each.age < LONGEST}
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(node: Object) -> Pair | None:
            async with gate:
                return await self._of(node).pair(node)

        pairs = await asyncio.gather(*map(one, nodes))
        names = map(name_of, nodes)
        return {name: pair for name, pair in zip(names, pairs, strict=True) if pair is not None}

    def _of(self, node: Object) -> _NodeSampler:
        uid = uid_of(node)
        if uid not in self._nodes:
            self._nodes[uid] = _NodeSampler(self._ask, self._clock)
        return self._nodes[uid]


class _NodeSampler:
    """One that has not been asked for long is forgotten: an average over so long says little of now."""

    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked_at = float("-inf")
        self._last: Scrape | None = None
        self._before: Scrape | None = None

    @property
    def age(self) -> float:
        """Seconds since the kubelet was asked."""
        return self._clock() - self._asked_at

    async def pair(self, node: Object) -> Pair | None:
        async with self._lock:
            if self.age >= RESOLUTION:
                try:
                    await self._renew(node)
                except ScrapeError as error:
                    log.info("Kubelet did not tell what is used: node=%s error=%s", name_of(node), error)
                    self._last = self._before = None
            return Pair(self._last, self._before) if self._last and self._before else None

    async def _renew(self, node: Object) -> None:
        await self._take(node)
        if self._before is None:
            await asyncio.sleep(FIRST_WINDOW)
            await self._take(node)

    async def _take(self, node: Object) -> None:
        self._asked_at = self._clock()
        self._before, self._last = self._last, await self._ask(node)
