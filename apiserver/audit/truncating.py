"""Events that are too large lose their bodies, and batches that are too large are split.

Source: plugin/pkg/audit/truncate of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson

from apimachinery.objects import Object
from apiserver.audit.metrics import report_loss
from apiserver.audit.sink import Events, Sink

_PLUGIN = "truncate"
_BODIES = ("requestObject", "responseObject")
_ANNOTATION = "audit.k8s.io/truncated"


@dataclass(slots=True)
class Split:
    """Events by batch, and those that are too large even without their bodies."""

    batches: list[list[Object]] = field(default_factory=list)
    lost: list[Object] = field(default_factory=list)


def split(events: Events, max_event: int, max_batch: int) -> Split:
    """Sizes in bytes of JSON."""
    result, room = Split(), 0
    for event in events:
        shown, size = _fitting(event, max_event)
        if size > max_event:
            result.lost.append(event)
            continue
        if not result.batches or size > room:
            result.batches.append([])
            room = max_batch
        result.batches[-1].append(shown)
        room -= size
    return result


def _fitting(event: Object, limit: int) -> tuple[Object, int]:
    size = _size(event)
    if size <= limit or event["level"] not in ("Request", "RequestResponse"):
        return event, size
    short = {name: value for name, value in event.items() if name not in _BODIES}
    short["annotations"] = {**event.get("annotations", {}), _ANNOTATION: "true"}
    return short, _size(short)


def _size(event: Object) -> int:
    return len(orjson.dumps(event)) + 1  # upstream's encoder ends it with a new line


class Truncating:
    def __init__(self, sink: Sink, max_event: int, max_batch: int) -> None:
        self._sink = sink
        self._limits = max_event, max_batch
        self.run, self.aclose = sink.run, sink.aclose

    async def process(self, events: Events) -> bool:
        result = split(events, *self._limits)
        kept = [await self._sink.process(batch) for batch in result.batches]
        if result.lost:
            report_loss(_PLUGIN, "event is too large even after truncating", result.lost)
        return all(kept)
