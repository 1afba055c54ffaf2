"""NodeMetrics and PodMetrics, and their Tables as metrics-server prints them. Pure.

Source: pkg/storage/{node,pod,types}.go and pkg/api/table.go of metrics-server.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apimachinery.durations import format_duration
from apimachinery.objects import Object, labels_of, name_of, namespace_of
from apimachinery.quantity import Quantity
from apimachinery.resource import Resource
from apimachinery.resource_metrics import NODE_METRICS, POD_METRICS
from apimachinery.times import format_time
from apiserver.handlers.tables import column
from apiserver.registry.strategy import Column
from apiserver.resource_metrics.scrape import Usage

_COLUMNS = (
    Column("Name", format="name", description="Name of the resource"),
    Column("cpu", format="quantity"),
    Column("memory", format="quantity"),
    Column("Window", format="duration"),
)


def node_metrics(node: Object, usage: Usage, now: datetime) -> Object:
    return {**_head(NODE_METRICS, node, usage, now), "usage": _amounts(usage)}


def pod_metrics(pod: Object, usages: Mapping[str, Usage], now: datetime) -> Object:
    """`usages` by container; the time is that of the earliest."""
    earliest = min(usages.values(), key=lambda each: each.time)
    containers = [{"name": name, "usage": _amounts(usage)} for name, usage in usages.items()]
    return {**_head(POD_METRICS, pod, earliest, now), "containers": containers}


def _head(resource: Resource, of: Object, usage: Usage, now: datetime) -> Object:
    metadata: Object = {"name": name_of(of)}
    if namespace := namespace_of(of):
        metadata["namespace"] = namespace
    metadata["creationTimestamp"] = format_time(now)
    if labels := labels_of(of):
        metadata["labels"] = labels
    return {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": metadata,
        "timestamp": format_time(datetime.fromtimestamp(usage.time, UTC)),
        "window": format_duration(round(usage.window, 3)),
    }


def _amounts(usage: Usage) -> dict[str, str]:
    return {
        "cpu": str(Quantity(int(usage.cpu * 1e9))),
        "memory": str(Quantity.of(int(usage.memory), binary=True)),
    }


def table(metrics: Sequence[Object], version: str, rows: Iterable[Any]) -> Object:
    """`rows` are what each row carries of its object. Where there are no metrics there are no columns."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": {},
        "columnDefinitions": [column(each) for each in _COLUMNS] if metrics else [],
        "rows": [{"cells": _cells(each), "object": shown} for each, shown in zip(metrics, rows, strict=True)],
    }


def _cells(metrics: Object) -> list[str]:
    usages = [each["usage"] for each in metrics.get("containers") or [metrics]]
    sums = [
        str(sum((Quantity.parse(each[name]) for each in usages), Quantity())) for name in ("cpu", "memory")
    ]
    return [name_of(metrics), *sums, metrics["window"]]
