"""The priority levels as configured, and the way of a request into one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from apimachinery.objects import Object
from apiserver.bootstrap.flow_control import mandatory
from apiserver.flow_control.fair_queuing import QueueSet
from apiserver.flow_control.flow_stats import FlowStats
from apiserver.flow_control.limits import Allotment, Limits, Wish, allot, nominal_limits
from apiserver.flow_control.retry_after import RetryAfter
from apiserver.flow_control.schemas import FlowSchema, hand_of, in_order, parse_schema
from apiserver.flow_control.utilization import Utilization
from apiserver.request import RequestInfo

Headers = tuple[tuple[bytes, bytes], ...]
_MOST_REMEMBERED = 10_000
_MOST_SEATS = 100
_WIDEST = 0.15
"""The part of a level's seats that one request may take."""


class Level:
    """A PriorityLevelConfiguration and its queues."""

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self.name = name
        self.uid = ""
        self.queues = QueueSet(clock)
        self.utilization = Utilization()
        self.limits = Limits(0, 0, 0)
        self.hand_size = 0
        self.most_seats = 1
        self.retry_after = RetryAfter(clock)

    def configure(self, obj: Object, limits: Limits) -> None:
        spec = obj["spec"]
        queuing = ((spec.get("limited") or {}).get("limitResponse") or {}).get("queuing") or {}
        self.uid = obj["metadata"].get("uid", "")
        self.limits = limits
        self.hand_size = queuing.get("handSize", 0)
        self.most_seats = most_seats(limits.nominal, self.hand_size)
        self.queues.configure(
            queues=queuing.get("queues", 0),
            length=queuing.get("queueLengthLimit", 0),
            is_exempt=limits.is_exempt,
        )

    def close_period(self, seats: int) -> Wish:
        """What the level wanted; `seats` is what its use is measured by where it has none."""
        demand = self.queues.demand
        self.utilization.add(demand.close_period(), self.queues.limit or seats, self.queues.places)
        return Wish(demand.highest, demand.smoothed)


def most_seats(nominal: int, hand_size: int) -> int:
    """That one request may take of a level."""
    if not hand_size:
        return _MOST_SEATS  # nobody waits there
    return min(max(min(ceil(nominal * _WIDEST), nominal // hand_size), 1), _MOST_SEATS)


@dataclass(frozen=True, slots=True)
class Flow:
    """Where the requests of one flow go."""

    schema: FlowSchema
    level: Level
    hand: tuple[int, ...]
    stats: FlowStats
    headers: Headers
    distinguisher: str


class Levels:
    """`seats` is the server's concurrency. Until the objects have been read there are the mandatory ones."""

    def __init__(self, seats: int, clock: Callable[[], float]) -> None:
        self.levels: dict[str, Level] = {}
        self.stats: dict[tuple[str, str], FlowStats] = {}
        self.allotment = Allotment({}, {})
        self._seats = seats
        self._clock = clock
        self._schemas: Sequence[FlowSchema] = ()
        self._flows: dict[tuple[object, ...], Flow] = {}
        self.digest((), ())

    def digest(self, schemas: Sequence[Object], levels: Sequence[Object]) -> None:
        """Takes over the objects as they are now; what must be is there even if it is not among them."""
        wanted = {
            each["metadata"]["name"]: each for each in (*_imagined("PriorityLevelConfiguration"), *levels)
        }
        limits = nominal_limits({name: each["spec"] for name, each in wanted.items()}, self._seats)
        self.levels = {name: self.levels.get(name) or Level(name, self._clock) for name in wanted}
        for name, level in self.levels.items():
            level.configure(wanted[name], limits[name])
        parsed = {each["metadata"]["name"]: each for each in (*_imagined("FlowSchema"), *schemas)}
        found = [parse_schema(each) for each in parsed.values()]
        self._schemas = in_order([each for each in found if each.level in self.levels])
        self._flows.clear()
        self.lend()

    def lend(self) -> None:
        """Ends a period: seats go to where they were wanted."""
        tenth = max(floor(self._seats / 10 + 0.5), 1)
        wishes = {name: level.close_period(tenth) for name, level in self.levels.items()}
        self.allotment = allot({name: level.limits for name, level in self.levels.items()}, wishes)
        for name, seats in self.allotment.seats.items():
            self.levels[name].queues.set_limit(seats)

    def flow_of(self, info: RequestInfo) -> Flow:
        user = info.user
        key = (
            user.name, user.groups, info.is_resource, info.verb, info.group, info.plural, info.subresource,
            info.namespace if info.is_resource else info.path,
        )  # fmt: skip
        found = self._flows.get(key)
        if found is None:
            if len(self._flows) >= _MOST_REMEMBERED:
                self._flows.clear()
            found = self._flows[key] = self._classify(info)
        return found

    def _classify(self, info: RequestInfo) -> Flow:
        # One matches always: catch-all, which must be there, takes the authenticated and the others.
        schema = next((each for each in self._schemas if each.matches(info)), self._schemas[-1])
        level, distinguisher = self.levels[schema.level], schema.flow_of(info)
        queues = len(level.queues.queues)
        hand = hand_of(schema.name, distinguisher, queues, min(level.hand_size, queues)) if queues else ()
        stats = self.stats.setdefault((level.name, schema.name), FlowStats(level.name, schema.name))
        return Flow(schema, level, hand, stats, _headers(schema, level), distinguisher)


def _headers(schema: FlowSchema, level: Level) -> Headers:
    return (
        (b"x-kubernetes-pf-flowschema-uid", schema.uid.encode()),
        (b"x-kubernetes-pf-prioritylevel-uid", level.uid.encode()),
    )


def _imagined(kind: str) -> list[Object]:
    return [each.obj for each in mandatory() if each.obj["kind"] == kind]


def dangling(schema: Object, levels: Mapping[str, Object], now: str) -> Object | None:
    """The condition of a FlowSchema that it should have and does not: whether its level is there."""
    level = schema["spec"]["priorityLevelConfiguration"]["name"]
    is_there = level in levels
    there = "and it exists" if is_there else "but there is no such object"
    what = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    wanted = {
        "type": "Dangling", "status": "False" if is_there else "True", "lastTransitionTime": now,
        "reason": "Found" if is_there else "NotFound",
        "message": f"{what} {there}",
    }  # fmt: skip
    conditions = (schema.get("status") or {}).get("conditions") or ()
    present: Object = next((each for each in conditions if each.get("type") == "Dangling"), {})
    return None if {**present, "lastTransitionTime": now} == wanted else wanted
