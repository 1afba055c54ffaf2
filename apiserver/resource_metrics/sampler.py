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
AT_ONCE = 16
"""Not more than connections are kept: nodes may share a server."""

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
        self._ask = _limited(ask, asyncio.Semaphore(AT_ONCE))
        self._clock = clock
        self._nodes: dict[str, _NodeSampler] = {}
        """By the Node's uid."""

    async def sample(self, nodes: Collection[Object]) -> dict[str, Pair]:
        """By name; nodes that do not tell are missing."""
        self._forget()
        pairs = await asyncio.gather(*(self._of(node).pair(node) for node in nodes))
        names = map(name_of, nodes)
        return {name: pair for name, pair in zip(names, pairs, strict=True) if pair is not None}

    def _forget(self) -> None:
        """Who has not been asked for long: an average over so long says little of now."""
        last = self._clock() - LONGEST
        self._nodes = {uid: each for uid, each in self._nodes.items() if each.used_at > last}

    def _of(self, node: Object) -> _NodeSampler:
        uid = uid_of(node)
        if uid not in self._nodes:
            self._nodes[uid] = _NodeSampler(self._ask, self._clock)
        return self._nodes[uid]


def _limited(ask: Ask, gate: asyncio.Semaphore) -> Ask:
    async def wait_and_ask(node: Object) -> Scrape:
        async with gate:
            return await ask(node)

    return wait_and_ask


class _NodeSampler:
    def __init__(self, ask: Ask, clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = asyncio.Lock()
        self.used_at = clock()
        self._asked_at = float("-inf")
        self._last: Scrape | None = None
        self._before: Scrape | None = None

    async def pair(self, node: Object) -> Pair | None:
        self.used_at = self._clock()
        async with self._lock:
            if self._clock() - self._asked_at >= RESOLUTION:
                try:
                    await self._renew(node)
                except ScrapeError as error:
                    log.info("Kubelet did not tell what is used: node=%s error=%s", name_of(node), error)
                    self._last = self._before = None
                self._asked_at = self._clock()
            return Pair(self._last, self._before) if self._last and self._before else None

    async def _renew(self, node: Object) -> None:
        await self._take(node)
        if self._before is None:
            await asyncio.sleep(FIRST_WINDOW)
            await self._take(node)

    async def _take(self, node: Object) -> None:
        self._before, self._last = self._last, await self._ask(node)
