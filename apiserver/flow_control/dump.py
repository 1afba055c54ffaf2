"""/debug/api_priority_and_fairness/dump_…: the levels, their queues and who waits, as upstream's tables.

Source: pkg/util/flowcontrol/apf_controller_debug.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apiserver.flow_control.levels import Level, Levels

_MINIMUM, _PADDING = 8, 1


def dump_priority_levels(levels: Levels) -> str:
    header = (
        "PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing", "WaitingRequests", "ExecutingRequests",
        "DispatchedRequests", "RejectedRequests", "TimedoutRequests", "CancelledRequests",
    )  # fmt: skip
    return _table([header, *(_level_row(levels.levels[name]) for name in sorted(levels.levels))])


def _level_row(level: Level) -> Sequence[object]:
    queues = level.queues
    return (
        level.name, sum(bool(each.waiting) for each in queues.queues),
        not (queues.waiting or queues.executing), False, queues.waiting, queues.executing, queues.dispatched,
        queues.rejected, queues.timed_out, queues.cancelled,
    )  # fmt: skip


def dump_queues(levels: Levels) -> str:
    header = (
        "PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests", "SeatsInUse", "NextDispatchR",
        "InitialSeatsSum", "MaxSeatsSum",
    )  # fmt: skip
    rows = [
        (
            name, index, len(each.waiting), each.executing, each.seats, f"{each.next_r:.8f}ss",
            sum(ticket.seats for ticket in each.waiting), sum(ticket.seats for ticket in each.waiting),
        )
        for name, level in sorted(levels.levels.items())
        for index, each in enumerate(level.queues.queues)
    ]  # fmt: skip
    return _table([header, *rows])


def dump_requests(levels: Levels) -> str:
    """Those that wait."""
    header = ("PriorityLevelName", "FlowSchemaName", "QueueIndex", "RequestIndexInQueue", "InitialSeats")
    rows = [
        (name, ticket.stats.schema, index, position, ticket.seats)
        for name, level in sorted(levels.levels.items())
        for index, each in enumerate(level.queues.queues)
        for position, ticket in enumerate(each.waiting)
    ]
    return _table([header, *rows])


def _table(rows: Iterable[Sequence[object]]) -> str:
    """As Go's tabwriter aligns cells that end in a comma."""
    texts = [[_text(cell) for cell in row] for row in rows]
    lines = [[f"{cell}," for cell in row[:-1]] + row[-1:] for row in texts]
    widths = [max(max(map(len, column)) + _PADDING, _MINIMUM) for column in zip(*lines, strict=True)]
    return "".join(_aligned(line, widths) + "\n" for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=False)) + line[-1]


def _text(cell: object) -> str:
    return str(cell).lower() if isinstance(cell, bool) else str(cell)
