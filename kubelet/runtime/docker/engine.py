"""Short requests to Docker.

dockerd gets slower the more it has to create and start at once, so those take one of few places; looking is
never made to wait behind them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kubelet.runtime.docker.connection import Connector, path_of
from kubelet.runtime.docker.errors import unavailable

DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
_HEAVY = 4
REQUEST_SECONDS = 120.0


class Engine:
    """Every method of it may raise RuntimeUnavailable. The engine need not be there when this is made."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT, seconds: float = REQUEST_SECONDS) -> None:
        """After so many seconds a request counts as one to an engine that is away."""
        self._endpoint = endpoint
        self._seconds = seconds
        self._connector = Connector(endpoint)
        self._places = asyncio.Semaphore(_HEAVY)
        self._started: set[str] = set()
        """What was started here and the engine's events have not told of yet."""

    async def look(self, path: str) -> Any:
        """Inspect, list: what dockerd answers at once."""
        return await self._ask("GET", path)

    async def act(self, method: str, path: str, body: Any = None) -> Any:
        """Create, start, remove: what dockerd has to work for."""
        async with self._places:
            return await self._ask(method, path, body)

    async def start(self, docker_id: str) -> None:
        self._started.add(docker_id)
        try:
            await self.act("POST", f"/containers/{docker_id}/start")
        except BaseException:
            self._started.discard(docker_id)
            raise

    def has_started(self, docker_id: str) -> bool:
        """Whether an event that tells so is no news: who started it here looks at it anyway."""
        known = docker_id in self._started
        self._started.discard(docker_id)
        return known

    def forget_starts(self) -> None:
        """Events may have been missed."""
        self._started.clear()

    async def inspect(self, docker_id: str) -> Mapping[str, Any]:
        inspected: Mapping[str, Any] = await self.look(f"/containers/{docker_id}/json")
        return inspected

    async def list_containers(self, filters: Mapping[str, list[str]]) -> list[Mapping[str, Any]]:
        """All of them that pass, dead ones too."""
        found: list[Mapping[str, Any]] = await self.look(
            path_of("/containers/json", all=True, filters=filters)
        )
        return found

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._connector.ask(method, path, body)
        except TimeoutError as error:
            raise unavailable(self._endpoint) from error


def labelled(labels: Mapping[str, str]) -> dict[str, list[str]]:
    """The filter for what has these labels."""
    return {"label": [f"{key}={value}" for key, value in labels.items()]}
