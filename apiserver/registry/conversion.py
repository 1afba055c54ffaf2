"""The few resources that are served in two API versions: how one form becomes the other.

The stored version is the one a storage prefix belongs to; everything else converts on its way in and out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.scheme import Resource

Convert = Callable[[Object], Object]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Between the version a client speaks and the one that is stored. Objects passed in are used up."""

    stored: Resource
    to_stored: Convert
    from_stored: Convert


_EVENT_FIELDS = {
    "note": "message",
    "regarding": "involvedObject",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
    "reportingController": "reportingComponent",
}
_CORE_EVENT_FIELDS = {core: name for name, core in _EVENT_FIELDS.items()}


def _renamed(obj: Object, names: dict[str, str], api_version: str) -> Object:
    return {names.get(key, key): value for key, value in obj.items()} | {"apiVersion": api_version}


def _event_to_core(obj: Object) -> Object:
    return _renamed(obj, _EVENT_FIELDS, scheme.EVENTS.api_version)


def _event_from_core(obj: Object) -> Object:
    return _renamed(obj, _CORE_EVENT_FIELDS, scheme.EVENTS_V1.api_version)


_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def _is_cpu(metric: Object, field: str) -> bool:
    resource = metric.get("resource") or {}
    return resource.get("name") == "cpu" and (resource.get(field) or {}).get("averageUtilization") is not None


def _autoscaler_to_v2(obj: Object) -> Object:
    """v1 knows the CPU target only; the rest travels in annotations."""
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    annotations = dict(obj["metadata"].get("annotations") or {})
    metrics = _taken(annotations, _METRICS, [])
    if (target := spec.pop("targetCPUUtilizationPercentage", None)) is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": wanted}})
    current = _taken(annotations, _CURRENT_METRICS, [])
    if (seen := status.pop("currentCPUUtilizationPercentage", None)) is not None:
        current.insert(
            0, {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": seen}}}
        )
    spec |= {"metrics": metrics} if metrics else {}
    spec |= {"behavior": kept} if (kept := _taken(annotations, _BEHAVIOR, None)) else {}
    status |= {"currentMetrics": current} if current else {}
    status |= {"conditions": kept} if (kept := _taken(annotations, _CONDITIONS, None)) else {}
    return _autoscaler(obj, scheme.HORIZONTAL_POD_AUTOSCALERS.api_version, annotations, spec, status)


def _autoscaler_from_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    annotations = dict(obj["metadata"].get("annotations") or {})
    metrics, current = spec.pop("metrics", None) or [], status.pop("currentMetrics", None) or []
    for metric in [each for each in metrics if _is_cpu(each, "target")][:1]:
        spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
        metrics = [each for each in metrics if each is not metric]
    for metric in [each for each in current if _is_cpu(each, "current")][:1]:
        status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
        current = [each for each in current if each is not metric]
    kept = {
        _METRICS: metrics,
        _CURRENT_METRICS: current,
        _BEHAVIOR: spec.pop("behavior", None),
        _CONDITIONS: status.pop("conditions", None),
    }
    annotations |= {name: orjson.dumps(value).decode() for name, value in kept.items() if value}
    return _autoscaler(obj, scheme.HORIZONTAL_POD_AUTOSCALERS_V1.api_version, annotations, spec, status)


def _taken(annotations: dict[str, str], name: str, default: Any) -> Any:
    text = annotations.pop(name, None)
    try:
        return orjson.loads(text) if text else default
    except orjson.JSONDecodeError:
        return default


def _autoscaler(obj: Object, api_version: str, annotations: Object, spec: Object, status: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "annotations"}
    metadata |= {"annotations": annotations} if annotations else {}
    return (
        obj
        | {"apiVersion": api_version, "metadata": metadata, "spec": spec}
        | ({"status": status} if "status" in obj else {})
    )


_CONVERSIONS: dict[Resource, Conversion] = {
    scheme.EVENTS_V1: Conversion(scheme.EVENTS, _event_to_core, _event_from_core),
    scheme.HORIZONTAL_POD_AUTOSCALERS_V1: Conversion(
        scheme.HORIZONTAL_POD_AUTOSCALERS, _autoscaler_to_v2, _autoscaler_from_v2
    ),
}


def versions_of(stored: Resource) -> list[tuple[Resource, Conversion | None]]:
    """The resource as it is stored, and the versions that are converted to it."""
    others = [(resource, each) for resource, each in _CONVERSIONS.items() if each.stored == stored]
    return [(stored, None), *others]


def conversion_of(resource: Resource) -> Conversion | None:
    """How a resource is stored, if not in the version it is served in."""
    return _CONVERSIONS.get(resource)
