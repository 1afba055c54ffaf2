"""A proxier at work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from kube_proxy.conntrack import Flow
from kube_proxy.proxier import Proxier
from kube_proxy.recorded import Recorded
from tests.unit.kube_proxy.builders import make_state


def now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=asyncio.get_running_loop().time())


class NoFlows:
    def flows(self) -> list[Flow]:
        return []

    def delete(self, flows: list[Flow]) -> None:
        raise AssertionError


@asynccontextmanager
async def running(writer: Recorded) -> AsyncIterator[Proxier]:
    proxier = Proxier(make_state([], []), writer, NoFlows(), min_sync_period=1, now=now)
    task = asyncio.create_task(proxier.run())
    await asyncio.sleep(0.1)
    yield proxier
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
