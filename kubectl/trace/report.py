"""A trace as text: when, since the beginning; who did what; which revision it made; how long it took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from apimachinery.objects import Object
from kubectl.trace.steps import Step

API_VERSION, KIND = "trace.sampan.io/v1", "Trace"


def to_object(steps: Sequence[Step], *, settled: bool) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "settled": settled,
        "milliseconds": round(_offset(last_moment(steps), steps[0].begin), 3) if steps else 0,
        "steps": [each.to_object() for each in steps],
    }


def render(steps: Sequence[Step]) -> str:
    """The tree, with the milliseconds since the first step in front."""
    if not steps:
        return ""
    start = min(each.begin for each in steps)
    rows = [row for each in steps for row in _rows(each, start, "", "")]
    return "".join(f"{line}\n" for line in rows)


def _rows(step: Step, start: datetime, lead: str, rest: str) -> Iterator[str]:
    took = "" if step.milliseconds is None else f"  {step.milliseconds:.1f} ms"
    revision = f"  @{step.revision}" if step.revision else ""
    yield f"{_offset(step.begin, start):>9.1f} ms  {lead}{step.component} {step.action}{revision}{took}"
    for index, child in enumerate(step.children):
        is_last = index == len(step.children) - 1
        branch, below = ("└─ ", "   ") if is_last else ("├─ ", "│  ")
        yield from _rows(child, start, rest + branch, rest + below)


def _offset(moment: datetime, start: datetime) -> float:
    return (moment - start).total_seconds() * 1000


def last_moment(steps: Sequence[Step]) -> datetime:
    return max(each for step in steps for each in (step.begin, *_moments(step)))


def _moments(step: Step) -> Iterator[datetime]:
    for child in step.children:
        yield child.begin
        yield from _moments(child)
