"""When the machine shuts down: no more pods, a node that says so, and one group of pods after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import Protocol

from apimachinery.errors import StatusError
from apimachinery.objects import Object, uid_of
from client.errors import ConnectionFailed
from client.events import NORMAL
from kubelet.events import Recorder
from kubelet.pods.status import Verdict
from kubelet.references import node_reference
from kubelet.shutdown.logind import LogindError
from kubelet.shutdown.plan import Group, Period, shutdown_groups
from kubelet.shutdown.record import ShutdownRecord

log = logging.getLogger(__name__)

MESSAGE = "Pod was terminated in response to imminent node shutdown."
TERMINATED = Verdict("Terminated", MESSAGE, disruption=MESSAGE)
RETRY_SECONDS = 60.0


class Pods(Protocol):
    """The kubelet, as a shutdown sees it."""

    def active_pods(self) -> list[Object]: ...
    def end(self, pod: Object, verdict: Verdict, grace: float) -> None: ...
    async def wait_stopped(self, uid: str) -> None: ...


class Inhibitor(Protocol):
    """The seam: systemd-logind."""

    async def inhibit(self, seconds: float) -> None: ...
    async def release(self) -> None: ...
    def shutdowns(self) -> AsyncGenerator[bool, None]: ...


class NodeShutdown:
    def __init__(
        self,
        periods: Sequence[Period],
        inhibitor: Inhibitor,
        record: ShutdownRecord,
        recorder: Recorder,
        *,
        node: str,
    ) -> None:
        self._periods = periods
        self._inhibitor = inhibitor
        self._record = record
        self._recorder = recorder
        self._node = node
        self._shutting_down = False

    def is_shutting_down(self) -> bool:
        return self._shutting_down

    async def run(self, pods: Pods, report: Callable[[], Awaitable[None]]) -> None:
        """Returns at once if the node does not wait for its pods, else never.

        `report` tells the API of the node, which is not ready while it shuts down.
        """
        if self._periods:
            await asyncio.to_thread(self._record.load)
        while self._periods:
            try:
                await self._inhibitor.inhibit(sum(each.seconds for each in self._periods))
                async with aclosing(self._inhibitor.shutdowns()) as shutdowns:
                    async for begins in shutdowns:
                        await self._handle(begins, pods, report)
            except LogindError as error:
                log.warning("Graceful node shutdown is not to be had, will retry: error=%s", error)
            finally:
                await self._inhibitor.release()
            await asyncio.sleep(RETRY_SECONDS)

    async def _handle(self, begins: bool, pods: Pods, report: Callable[[], Awaitable[None]]) -> None:
        log.warning("Shutdown manager detected shutdown event: begins=%s", begins)
        self._shutting_down = begins
        message = f"Shutdown manager detected shutdown {'event' if begins else 'cancellation'}"
        self._recorder.event(node_reference(self._node), NORMAL, "NodeShutdown", message)
        async with asyncio.TaskGroup() as group:
            group.create_task(_tell(report))
            if begins:
                group.create_task(self._end(pods))
        if begins:
            await self._inhibitor.release()
        else:
            await self._inhibitor.inhibit(sum(each.seconds for each in self._periods))

    async def _end(self, pods: Pods) -> None:
        await asyncio.to_thread(self._record.begin)
        for group in shutdown_groups(pods.active_pods(), self._periods):
            await self._end_group(pods, group)
        await asyncio.to_thread(self._record.end)

    async def _end_group(self, pods: Pods, group: Group) -> None:
        """Waits for its pods, but no longer than they were given."""
        for pod in group.pods:
            pods.end(pod, TERMINATED, group.seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(group.seconds), asyncio.TaskGroup() as waiting:
                for pod in group.pods:
                    waiting.create_task(pods.wait_stopped(uid_of(pod)))


async def _tell(report: Callable[[], Awaitable[None]]) -> None:
    """The API server may be shutting down with us."""
    try:
        await report()
    except (StatusError, ConnectionFailed) as error:
        log.warning("Shutdown not reported: error=%s", error)
