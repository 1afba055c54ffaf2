"""Fair queuing for requests: each priority level has queues, each queue gets the same part of the seats.

Source of the algorithm: pkg/util/flowcontrol/fairqueuing/queueset of kubernetes/apiserver 0.34. Progress is
measured in R, the seat-seconds that a queue which always has something to do has been served; a queue's next
request is dispatched at `next_r`, and of all queues the one whose first request would end first is served.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from apiserver.flow_control.demand import Demand
from apiserver.flow_control.flow_stats import FlowStats

_SERVICE_SECONDS = 0.003
"""How long a request is taken to last until it has ended."""


class Queue:
    """Some flows' requests: those that wait, and how many are under way."""

    __slots__ = ("executing", "next_r", "seats", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Ticket] = deque()
        self.executing = 0
        self.seats = 0
        self.next_r = 0.0

    @property
    def is_active(self) -> bool:
        return bool(self.executing or self.waiting)


class Ticket:
    """A request in a level. `turn` is there while it has to wait."""

    __slots__ = ("arrival_r", "arrived", "is_watch", "queue", "seats", "started", "stats", "turn")

    def __init__(self, queue: Queue | None, seats: int, arrived: float, r: float, stats: FlowStats) -> None:
        self.is_watch = False
        self.queue = queue
        self.seats = seats
        self.arrived = arrived
        self.arrival_r = r
        self.stats = stats
        self.started = arrived
        self.turn: asyncio.Future[None] | None = None


class Rejected(Exception):
    """There is no seat, and no place in a queue. `args[0]` is upstream's word for why."""


class QueueSet:
    """One level's queues. All methods but `wait` are plain: nothing happens between looking and changing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.limit = 0
        self.seats = 0
        self.executing = 0
        self.waiting = 0
        self.waiting_seats = 0
        self.dispatched = self.rejected = self.timed_out = self.cancelled = 0
        self.demand = Demand(clock)
        self.queues: list[Queue] = []
        self.is_exempt = False
        self._length = 0
        self._clock = clock
        self._r = 0.0
        self._last = clock()
        self._active = 0
        self._enqueued = 0
        self._with_waiting: dict[Queue, None] = {}
        """In the order in which they were served last."""

    def configure(self, *, queues: int, length: int, is_exempt: bool) -> None:
        """Takes effect for the requests to come. Queues that are too many empty themselves."""
        self.is_exempt, self._length = is_exempt, length
        self.queues = [*self.queues[:queues], *(Queue() for _ in range(queues - len(self.queues)))]

    @property
    def places(self) -> int:
        """How many requests may wait, as far as that is limited."""
        return max(self._length, 1) * max(len(self.queues), 1)

    def set_limit(self, limit: int) -> None:
        self._sync()
        self.limit = limit
        self._dispatch()

    def start(self, hand: Sequence[int], seats: int, stats: FlowStats) -> Ticket:
        """A ticket that has a seat, or has to wait. Raises Rejected."""
        now = self._sync()
        stats.work[seats] += 1
        if self.is_exempt or not self.queues:
            return self._start_unqueued(seats, now, stats)
        queue = self._choose(hand)
        if self.seats >= self.limit and len(queue.waiting) >= self._length:
            self._reject(stats, "queue-full")
        ticket = Ticket(queue, seats, now, self._r, stats)
        stats.queue_lengths[len(queue.waiting) + 1] += 1
        if not queue.is_active:
            queue.next_r = self._r
            self._active += 1
        if not self.waiting and self._fits(seats):
            self._execute(ticket, queue, now)
        else:
            self._enqueue(ticket, queue, now)
        return ticket

    def _start_unqueued(self, seats: int, now: float, stats: FlowStats) -> Ticket:
        if not self.is_exempt and not self._fits(seats):
            self._reject(stats, "concurrency-limit")
        ticket = Ticket(None, seats, now, self._r, stats)
        self._execute(ticket, None, now)
        return ticket

    def _reject(self, stats: FlowStats, reason: str) -> None:
        self.rejected += 1
        stats.reject(reason)
        raise Rejected(reason)

    async def wait(self, ticket: Ticket, seconds: float) -> None:
        """Until the request has its seat. Raises Rejected when that takes too long."""
        assert ticket.turn is not None
        try:
            async with asyncio.timeout(seconds):
                await ticket.turn
        except TimeoutError:
            self._withdraw(ticket)
            self.timed_out += 1
            self._reject(ticket.stats, "time-out")
        except asyncio.CancelledError:
            self._withdraw(ticket)
            self.cancelled += 1
            raise

    def _withdraw(self, ticket: Ticket) -> None:
        queue, turn = ticket.queue, ticket.turn
        assert queue is not None
        assert turn is not None
        if turn.done() and not turn.cancelled():
            return self.finish(ticket)
        if ticket not in queue.waiting:
            return  # its turn came when it had just given up
        now = self._sync()
        queue.waiting.remove(ticket)
        self._left_queue(ticket, queue)
        self._bound(queue)
        self.demand.note((self.executing, self.waiting, self.seats, self.waiting_seats), now)
        self._dispatch()

    def finish(self, ticket: Ticket) -> None:
        """The request has been served."""
        now = self._sync()
        queue = ticket.queue
        self.executing -= 1
        self.seats -= ticket.seats
        ticket.stats.finish(ticket.seats, now - ticket.started, is_watch=ticket.is_watch)
        if queue is not None:
            queue.executing -= 1
            queue.seats -= ticket.seats
            queue.next_r -= ticket.seats * (_SERVICE_SECONDS - (now - ticket.started))
            if not queue.is_active:
                self._active -= 1
            self._bound(queue)
        self.demand.note((self.executing, self.waiting, self.seats, self.waiting_seats), now)
        if self.waiting:
            self._dispatch()

    def _sync(self) -> float:
        """Moves R on: each active queue has got its part of what was used since the last time."""
        now = self._clock()
        if self._active:
            used = min(self.seats + self.waiting_seats, self.limit)
            self._r += used / self._active * (now - self._last)
        self._last = now
        return now

    def _choose(self, hand: Sequence[int]) -> Queue:
        """The queue of a hand with the least to do; where several have, in turn."""
        start = self._enqueued = self._enqueued + 1
        size = len(hand)
        chosen = self.queues[hand[start % size]]
        if self.waiting:
            for offset in range(1, size):
                other = self.queues[hand[(start + offset) % size]]
                if len(other.waiting) < len(chosen.waiting):
                    chosen = other
        return chosen

    def _fits(self, seats: int) -> bool:
        """A request that wants more seats than there are gets them all."""
        return self.seats + seats <= self.limit or (seats > self.limit and not self.executing)

    def _enqueue(self, ticket: Ticket, queue: Queue, now: float) -> None:
        ticket.turn = asyncio.get_running_loop().create_future()
        queue.waiting.append(ticket)
        self.waiting += 1
        self.waiting_seats += ticket.seats
        ticket.stats.enqueue(ticket.seats)
        self._with_waiting.setdefault(queue)
        self._bound(queue)
        self.demand.note((self.executing, self.waiting, self.seats, self.waiting_seats), now)
        self._dispatch()

    def _left_queue(self, ticket: Ticket, queue: Queue) -> None:
        self.waiting -= 1
        self.waiting_seats -= ticket.seats
        ticket.stats.dequeue(ticket.seats)
        if not queue.waiting:
            del self._with_waiting[queue]
        if not queue.is_active:
            self._active -= 1

    def _dispatch(self) -> None:
        """Gives seats to as many as there are seats for."""
        while self.waiting and self.seats < self.limit:
            queue = min(self._with_waiting, key=_end_of_first)
            ticket = queue.waiting[0]
            if not self._fits(ticket.seats):
                ticket.stats.unaccommodated += 1
                return
            queue.waiting.popleft()
            del self._with_waiting[queue]
            self._with_waiting[queue] = None
            self._left_queue(ticket, queue)
            assert ticket.turn is not None
            if not ticket.turn.done():
                ticket.turn.set_result(None)
                self._active += not queue.is_active
                self._execute(ticket, queue, self._last)
            self._bound(queue)

    def _execute(self, ticket: Ticket, queue: Queue | None, now: float) -> None:
        ticket.started = now
        self.dispatched += 1
        self.executing += 1
        self.seats += ticket.seats
        ticket.stats.execute(ticket.seats, now - ticket.arrived)
        if queue is not None:
            queue.executing += 1
            queue.seats += ticket.seats
            queue.next_r += ticket.seats * _SERVICE_SECONDS
        self.demand.note((self.executing, self.waiting, self.seats, self.waiting_seats), now)

    @staticmethod
    def _bound(queue: Queue) -> None:
        """A queue does not save up what it did not use: no request is served before it came."""
        if queue.waiting:
            queue.next_r = max(queue.next_r, queue.waiting[0].arrival_r)


def _end_of_first(queue: Queue) -> float:
    return queue.next_r + queue.waiting[0].seats * _SERVICE_SECONDS
