"""Asking a kubelet what is used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from apimachinery.errors import StatusError
from apimachinery.objects import Object, annotations_of
from apimachinery.resource_metrics import PATH, PATH_ANNOTATION
from apiserver.resource_metrics.sampler import ScrapeError
from apiserver.resource_metrics.scrape import Scrape, parse_scrape
from apiserver.subresources.relay import DialError, Relay
from apiserver.subresources.targets import authority, kubelet_address

_ANSWER_SECONDS = 5.0


class KubeletMetrics:
    """`preferred` are the types of a Node's addresses, the best first."""

    def __init__(self, relay: Relay, preferred: Sequence[str]) -> None:
        self._relay = relay
        self._preferred = preferred

    async def ask(self, node: Object) -> Scrape:
        """Raises ScrapeError."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                return parse_scrape(await self._read(node), time.time())
        except TimeoutError:
            raise ScrapeError("timed out") from None
        except (StatusError, DialError, ValueError) as error:
            raise ScrapeError(str(error)) from error

    async def _read(self, node: Object) -> str:
        url = self._url(node)
        answer = await self._relay.read(url)
        if answer.status_code != 200:
            raise DialError(f"bad status from {url}: {answer.status_code}")
        return answer.text

    def _url(self, node: Object) -> str:
        host, port = kubelet_address(node, self._preferred)
        return f"https://{authority(host, port)}{annotations_of(node).get(PATH_ANNOTATION) or PATH}"
