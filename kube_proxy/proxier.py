"""Proxier: keeps the node's rules at what the API says, soon after each change, not more often than asked.

One loop: wait for a change, plan, write what differs. After a failure everything is written anew, later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from apimachinery.objects import Object
from kube_proxy import metrics
from kube_proxy.conntrack import Flow, stale_flows
from kube_proxy.journal import Journal
from kube_proxy.ruleset import Ruleset
from kube_proxy.state import State
from kube_proxy.writer import RulesetError, RulesetWriter

log = logging.getLogger(__name__)

# Somebody else may have changed our rules: all of them are written again once an hour, as upstream does.
FULL_SYNC_INTERVAL = 3600.0
FIRST_RETRY, LAST_RETRY = 1.0, 30.0
TIDY_AFTER = 1.5


class FlowTable(Protocol):
    """The kernel's connection tracking."""

    def flows(self) -> list[Flow]: ...

    def delete(self, flows: list[Flow]) -> None: ...


class Proxier:
    def __init__(
        self,
        state: State,
        writer: RulesetWriter,
        flow_table: FlowTable,
        *,
        min_sync_period: float,
        now: Callable[[], datetime],
        after_sync: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`after_sync` is called after each sync that succeeded; periods are seconds."""
        self._state = state
        self._writer = writer
        self._flow_table = flow_table
        self._min_sync_period = min_sync_period
        self._now = now
        self._after_sync = after_sync
        self._changed = asyncio.Event()
        self.journal = Journal()
        self._written = Ruleset()
        self._must_write_all = True
        self._written_at = 0.0
        self.queued: datetime | None = None  # since when a sync is due
        self.updated: datetime | None = None  # the last sync that succeeded, or the start

    # Handlers of informers

    def on_service(self, old: Object | None, new: Object | None) -> None:
        if self._state.service(old, new):
            metrics.SERVICE_CHANGES.inc()
            metrics.SERVICE_CHANGES_PENDING.inc()
            self.sync_soon()

    def on_endpoint_slice(self, old: Object | None, new: Object | None) -> None:
        if self._state.endpoint_slice(old, new):
            metrics.ENDPOINT_CHANGES.inc()
            metrics.ENDPOINT_CHANGES_PENDING.inc()
            self.sync_soon()

    def sync_soon(self) -> None:
        if self.queued is None:
            self.queued = self._now()
            metrics.LAST_QUEUED.set(self.queued.timestamp())
        self._changed.set()

    def rules_gone(self) -> None:
        """Somebody else took them away, perhaps while they are being written."""
        self._must_write_all = True
        self.sync_soon()

    # The loop

    async def run(self) -> None:
        """Starts with everything, and never ends."""
        self.updated = self._now()
        self.sync_soon()
        retry = FIRST_RETRY
        while True:
            await self._wait()
            try:
                await self.sync()
            except RulesetError as error:
                self.journal.failed(str(error))
                log.error("Sync failed, will write everything anew: err=%s seconds=%s", error, retry)
                self._must_write_all = True
                self._changed.set()
                await asyncio.sleep(retry)
                retry = min(retry * 2, LAST_RETRY)
            else:
                retry = FIRST_RETRY
                await asyncio.sleep(self._min_sync_period)

    async def _wait(self) -> None:
        """Until something has changed, leftovers can be deleted, or it is time to write everything anew."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(TIDY_AFTER):
                await self._changed.wait()
                return
        except TimeoutError:
            await self._writer.tidy()
        left = self._written_at + FULL_SYNC_INTERVAL - loop.time()
        try:
            async with asyncio.timeout(max(left, 0)):
                await self._changed.wait()
        except TimeoutError:
            self._must_write_all = True

    async def sync(self) -> None:
        """Writes what differs from what was written; everything if that may not be there any more."""
        start = time.perf_counter()
        self._changed.clear()
        await self._writer.tidy()
        metrics.SERVICE_CHANGES_PENDING.set(0)
        metrics.ENDPOINT_CHANGES_PENDING.set(0)
        wanted = self._state.plan()
        is_full, self._must_write_all = self._must_write_all, False
        if is_full:
            await self._writer.replace(wanted)
            self._written_at = asyncio.get_running_loop().time()
        else:
            await self._writer.change(self._written, wanted)
        self._written = wanted
        await self._forget_stale_flows()
        self._note_success(is_full, time.perf_counter() - start)
        if self._after_sync is not None:
            await self._after_sync()

    def _note_success(self, is_full: bool, seconds: float) -> None:
        self.updated = self._now()
        self.journal.programmed(self._state.take_planned_anew(), self.updated, seconds * 1000)
        if self.queued is not None:
            metrics.PROGRAMMING_DURATION.observe((self.updated - self.queued).total_seconds())
        self.queued = self._now() if self._changed.is_set() else None
        metrics.SYNC_DURATION.observe(seconds)
        (metrics.FULL_SYNC_DURATION if is_full else metrics.PARTIAL_SYNC_DURATION).observe(seconds)
        for policy, count in zip(
            ("internal", "external"), self._state.without_local_endpoints(), strict=True
        ):
            metrics.NO_LOCAL_ENDPOINTS.labels(metrics.FAMILY, policy).set(count)
        metrics.LAST_SYNC.set(self.updated.timestamp())
        log.info("Synced proxy rules: full=%s milliseconds=%.1f", is_full, seconds * 1000)

    async def _forget_stale_flows(self) -> None:
        wanted = self._state.take_udp_changes()
        if not wanted:
            return
        node_ips = frozenset(self._state.context.node_port_ips)
        try:
            with metrics.CONNTRACK_DURATION.time():
                flows = await asyncio.to_thread(self._flow_table.flows)
                stale = stale_flows(flows, wanted, node_ips)
                if stale:
                    await asyncio.to_thread(self._flow_table.delete, stale)
                    metrics.CONNTRACK_DELETED.inc(len(stale))
                    log.info("Forgot stale UDP flows: count=%d", len(stale))
        except OSError as error:
            log.warning("Stale UDP flows were not forgotten: err=%s", error)
