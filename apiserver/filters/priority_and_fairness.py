"""Lets each request in when its priority level has a seat for it, or answers 429.

Source: pkg/server/filters/priority-and-fairness.go of kubernetes/apiserver 0.34. A watch takes a seat until
its answer begins; other requests that last (logs, exec) take none.
"""

from __future__ import annotations

from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.filters.max_in_flight import READS, InFlight, refuse
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.flow_control.fair_queuing import Rejected, Ticket
from apiserver.flow_control.levels import Flow, Levels
from apiserver.flow_control.work import seats_of, watchers_of
from apiserver.metrics import RequestMetrics
from apiserver.request import RequestInfo
from apiserver.storage.watch_cache import WatchCache
from apiserver.waiting import waiting

_LONGEST_WAIT = 60.0


class PriorityAndFairness:
    """A request may wait for a quarter of its time."""

    def __init__(
        self, app: App, levels: Levels, cache: WatchCache, metrics: RequestMetrics, request_timeout: float
    ) -> None:
        self._app = app
        self._levels = levels
        self._cache = cache
        self._patience = min(request_timeout / 4, _LONGEST_WAIT)
        self._reads, self._writes = InFlight(), InFlight()
        metrics.lanes = {"mutating": self._writes, "readOnly": self._reads}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo | None = scope.get(KEY)
        if info is None or (info.verb != "watch" and is_long_running(info)):
            return await self._app(scope, receive, send)
        flow, lane = self._levels.flow_of(info), self._reads if info.verb in READS else self._writes
        info.flow_headers = flow.headers
        try:
            ticket = await self._enter(info, flow, lane)
        except Rejected:
            info.was_terminated = True
            flow.level.retry_after.note_refusal()
            return await refuse(send, flow.level.retry_after.seconds)
        seat = Seat(flow, ticket, lane)
        try:
            await self._app(scope, receive, seat.leaving(send) if info.verb == "watch" else send)
        finally:
            seat.leave()

    async def _enter(self, info: RequestInfo, flow: Flow, lane: InFlight) -> Ticket:
        level = flow.level
        if (watchers := watchers_of(info, self._cache)) is not None:
            flow.stats.watchers[watchers] += 1
        ticket = level.queues.start(flow.hand, seats_of(info, self._cache, level.most_seats), flow.stats)
        ticket.is_watch = info.verb == "watch"
        if ticket.turn is not None:
            with waiting(), lane.queueing():
                await level.queues.wait(ticket, self._patience)
        return ticket


class Seat:
    """A request that is served. It may leave its seat before it ends."""

    def __init__(self, flow: Flow, ticket: Ticket, in_flight: InFlight) -> None:
        self._queues = flow.level.queues
        self._ticket = ticket
        self._in_flight = in_flight
        self._is_taken = True
        in_flight.running += 1

    def leave(self) -> None:
        if self._is_taken:
            self._is_taken = False
            self._in_flight.running -= 1
            self._queues.finish(self._ticket)

    def leaving(self, send: Send) -> Send:
        """A send that leaves the seat when the answer begins."""

        async def leaving_send(message: Message) -> None:
            self.leave()
            await send(message)

        return leaving_send
