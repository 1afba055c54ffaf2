"""When nodes renew their leases and report their status: each in its turn, spread over the period."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from apimachinery.errors import StatusError
from client.errors import ConnectionFailed
from component_base.backoff import exponential
from kubelet.node.agent import NodeAgent

log = logging.getLogger(__name__)

STATUS_PERIOD = 10.0
HOLLOW_STATUS_PERIOD = 300.0
"""A described node never changes: only its heartbeats have to move."""
CONCURRENCY = 64
"""So many are under way at most: enough for a thousand nodes where an answer takes half a second."""
FIRST_RETRY, LAST_RETRY = 0.2, 7.0
RENEWALS = 4
"""As often within the duration of a lease it is renewed."""

Beat = Callable[[NodeAgent], Awaitable[None]]


async def renew_leases(agents: Sequence[NodeAgent]) -> None:
    """Never ends."""
    period = agents[0].config.lease_seconds / RENEWALS
    await _beat(agents, period, "lease", NodeAgent.renew_lease)


async def report_statuses(agents: Sequence[NodeAgent], period: float = STATUS_PERIOD) -> None:
    """Never ends."""
    await _beat(agents, period, "status", NodeAgent.report)


async def renew_lease_at_once(agent: NodeAgent) -> None:
    """Ahead of the first round, for a node that has just been made; what fails is left to that round."""
    await _succeeds(agent, "lease", NodeAgent.renew_lease)


async def _beat(agents: Sequence[NodeAgent], period: float, what: str, beat: Beat) -> None:
    """One round per period; within it the agents follow one another at even distances."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(CONCURRENCY)
    async with asyncio.TaskGroup() as group:
        start = loop.time()
        while True:
            for index, agent in enumerate(agents):
                due = start + index * period / len(agents)
                if due > loop.time():
                    await asyncio.sleep(due - loop.time())
                await gate.acquire()
                group.create_task(_one(agent, what, beat, period, gate))
            start = max(start + period, loop.time())
            await asyncio.sleep(start - loop.time())


async def _one(agent: NodeAgent, what: str, beat: Beat, period: float, gate: asyncio.Semaphore) -> None:
    """Tries for as long as half a period; the next round comes soon enough."""
    try:
        async with asyncio.timeout(period / 2):
            failures = 0
            while not await _succeeds(agent, what, beat):
                await asyncio.sleep(exponential(FIRST_RETRY, LAST_RETRY, failures))
                failures += 1
    except TimeoutError:
        log.warning("Heartbeat missed: node=%s what=%s", agent.config.name, what)
    finally:
        gate.release()


async def _succeeds(agent: NodeAgent, what: str, beat: Beat) -> bool:
    try:
        await beat(agent)
    except (StatusError, ConnectionFailed) as error:
        log.info("Heartbeat failed, will retry: node=%s what=%s error=%s", agent.config.name, what, error)
        return False
    return True
