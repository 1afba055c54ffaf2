"""The Events of a description: what happened to the object, oldest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from apimachinery.objects import Object
from kubectl.describe.values import NONE, age
from kubectl.describe.writer import Writer


def write_events(writer: Writer, events: Sequence[Object], now: datetime) -> None:
    if not events:
        writer.field("Events", NONE)
        return
    writer.flush()
    writer.line("Events:\n  Type\tReason\tAge\tFrom\tMessage")
    writer.line("----\t------\t----\t----\t-------", 1)
    for event in sorted(events, key=last_seen):
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""
        what = (event.get("type"), event.get("reason"), interval(event, now), source)
        message = (event.get("message") or "").strip()
        writer.line("\t".join([*(str(each or "") for each in what), message]), 1)


def last_seen(event: Object) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
        or event["metadata"].get("creationTimestamp") or ""
    )  # fmt: skip


def interval(event: Object, now: datetime) -> str:
    """`5m`, or `10s (x3 over 5m)` for what happened again."""
    first = age(event.get("eventTime") or event.get("firstTimestamp"), now)
    series = event.get("series")
    if series:
        return f"{age(series.get('lastObservedTime'), now)} (x{series.get('count')} over {first})"
    if (event.get("count") or 0) > 1:
        return f"{age(event.get('lastTimestamp'), now)} (x{event['count']} over {first})"
    return first
