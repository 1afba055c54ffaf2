"""HorizontalPodAutoscalers of autoscaling/v1, which knows one metric only: the rest travels in annotations.

There it has the form of v1's own types, which the API does not show otherwise.
Source: pkg/apis/autoscaling/v1/conversion.go and k8s.io/api/autoscaling/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from apimachinery.objects import Object, get_path
from apimachinery.schema import checker_for
from apimachinery.scheme import HORIZONTAL_POD_AUTOSCALERS, HORIZONTAL_POD_AUTOSCALERS_V1

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"

Names = Mapping[str, Mapping[str, str]]
"""Of each source of metrics: v1's fields and where v2 has them."""

_RESOURCE = {
    "name": "name",
    "targetAverageUtilization": "target.averageUtilization",
    "targetAverageValue": "target.averageValue",
}
_SPECS: Names = {
    "object": {
        "target": "describedObject",
        "metricName": "metric.name",
        "targetValue": "target.value",
        "selector": "metric.selector",
        "averageValue": "target.averageValue",
    },
    "pods": {
        "metricName": "metric.name",
        "targetAverageValue": "target.averageValue",
        "selector": "metric.selector",
    },
    "resource": _RESOURCE,
    "containerResource": {**_RESOURCE, "container": "container"},
    "external": {
        "metricName": "metric.name",
        "metricSelector": "metric.selector",
        "targetValue": "target.value",
        "targetAverageValue": "target.averageValue",
    },
}


def _of_status(fields: Mapping[str, str]) -> dict[str, str]:
    """What is aimed at has its like in what is."""
    found = {}
    for old, new in fields.items():
        is_amount = new.startswith("target.")
        found[old.replace("target", "current") if is_amount else old] = new.replace("target", "current")
    return found


_STATUSES: Names = {source: _of_status(fields) for source, fields in _SPECS.items()}
_ALWAYS = {
    ("object", "targetValue"),
    ("object", "currentValue"),
    ("external", "currentValue"),
    ("resource", "currentAverageValue"),
    ("containerResource", "currentAverageValue"),
}
"""Quantities that v1 has even where there are none; then they are zero."""
_NONE = {"currentReplicas": 0, "desiredReplicas": 0}
"""What a status of v1 has in any case."""
_AVERAGES = {"averageValue", "currentAverageValue"}


def to_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    annotations = dict(obj["metadata"].get("annotations") or {})
    metrics = _taken(annotations, _METRICS, "spec.metrics", _list_to_v2(_SPECS)) or []
    if (target := spec.pop("targetCPUUtilizationPercentage", None)) is not None:
        wanted = {"type": "Utilization", "averageUtilization": target}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": wanted}})
    current = _taken(annotations, _CURRENT_METRICS, "status.currentMetrics", _list_to_v2(_STATUSES)) or []
    seen = status.pop("currentCPUUtilizationPercentage", None)
    if seen is not None and not current:
        found = {"name": "cpu", "current": {"averageUtilization": seen}}
        current = [{"type": "Resource", "resource": found}]
    behavior = _taken(annotations, _BEHAVIOR, "spec.behavior", _lowered)
    conditions = _taken(annotations, _CONDITIONS, "status.conditions", lambda each: each)
    spec |= {"metrics": metrics} if metrics else {}
    spec |= {"behavior": behavior} if behavior else {}
    status |= {"currentMetrics": current} if current else {}
    status |= {"conditions": conditions} if conditions else {}
    return _autoscaler(obj, HORIZONTAL_POD_AUTOSCALERS.api_version, annotations, spec, status)


def from_v2(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), {**_NONE, **(obj.get("status") or {})}
    annotations = dict(obj["metadata"].get("annotations") or {})
    metrics, current = spec.pop("metrics", None) or [], status.pop("currentMetrics", None) or []
    for metric in [each for each in metrics if _is_cpu(each, "target")][:1]:
        spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
        metrics = [each for each in metrics if each is not metric]
    for metric in [each for each in current if _is_cpu(each, "current")][:1]:
        status["currentCPUUtilizationPercentage"] = metric["resource"]["current"]["averageUtilization"]
    behavior = spec.pop("behavior", None)
    kept = {
        _METRICS: [_to_v1(each, _SPECS) for each in metrics],
        _CURRENT_METRICS: [_to_v1(each, _STATUSES) for each in current],
        _BEHAVIOR: behavior and _behavior(behavior),
        _CONDITIONS: status.pop("conditions", None),
    }
    annotations |= {name: orjson.dumps(value).decode() for name, value in kept.items() if value}
    return _autoscaler(obj, HORIZONTAL_POD_AUTOSCALERS_V1.api_version, annotations, spec, status)


def _is_cpu(metric: Object, field: str) -> bool:
    resource = metric.get("resource") or {}
    return resource.get("name") == "cpu" and (resource.get(field) or {}).get("averageUtilization") is not None


def _to_v1(metric: Object, names: Names) -> Object:
    sources = {each: dict(_v1_fields(each, metric[each], names[each])) for each in names if each in metric}
    return {"type": metric.get("type", ""), **sources}


def _v1_fields(source: str, values: Object, fields: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for old, new in fields.items():
        value = get_path(values, new)
        if value is not None:
            yield old, value
        elif (source, old) in _ALWAYS:
            yield old, "0"


def _list_to_v2(names: Names) -> Callable[[Any], list[Object]]:
    def convert(metrics: Sequence[Object]) -> list[Object]:
        return [
            {
                "type": metric.get("type", ""),
                **{each: _v2_values(metric[each], names[each]) for each in names if each in metric},
            }
            for metric in metrics
        ]

    return convert


def _v2_values(told: Object, fields: Mapping[str, str]) -> Object:
    values: Object = {}
    for old, new in fields.items():
        is_filler = old in ("targetValue", "currentValue") and told.keys() & _AVERAGES
        if told.get(old) is None or is_filler:
            continue
        where, _, last = new.rpartition(".")
        place = values.setdefault(where, {}) if where else values
        place[last] = told[old]
    if "target" in values:
        values["target"] = {"type": _target_type(values["target"]), **values["target"]}
    return values


def _target_type(target: Object) -> str:
    if "averageUtilization" in target:
        return "Utilization"
    return "AverageValue" if "averageValue" in target else "Value"


def _behavior(behavior: Object) -> Object:
    """As Go writes a type that says nothing of its names in JSON: with all its fields, in capitals."""
    return {field[:1].upper() + field[1:]: _rules(behavior.get(field)) for field in ("scaleUp", "scaleDown")}


def _rules(rules: Object | None) -> Object | None:
    if rules is None:
        return None
    policies: Sequence[Object] = rules.get("policies") or ()
    return {
        "StabilizationWindowSeconds": rules.get("stabilizationWindowSeconds"),
        "SelectPolicy": rules.get("selectPolicy"),
        "Policies": [
            {"Type": each["type"], "Value": each["value"], "PeriodSeconds": each["periodSeconds"]}
            for each in policies
        ],
        "Tolerance": rules.get("tolerance"),
    }


def _lowered(value: Any) -> Any:
    """The other way round."""
    if isinstance(value, list):
        return [_lowered(each) for each in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lowered(each) for key, each in value.items()}
    return value


def _taken(annotations: dict[str, str], name: str, place: str, convert: Callable[[Any], Any]) -> Any:
    """What an annotation says of v2's `place`; None if that is nothing, or makes no sense."""
    text = annotations.pop(name, "")
    part, field = place.split(".")
    checker = checker_for(HORIZONTAL_POD_AUTOSCALERS.api_version, HORIZONTAL_POD_AUTOSCALERS.kind)
    assert checker is not None, "the kind is built in"
    try:
        obj = {part: {field: convert(orjson.loads(text))}}
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return None
    return None if checker.check(obj, prune=True).type_errors else obj[part].get(field)


def _autoscaler(obj: Object, api_version: str, annotations: Object, spec: Object, status: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "annotations"}
    metadata |= {"annotations": annotations} if annotations else {}
    return (
        obj
        | {"apiVersion": api_version, "metadata": metadata, "spec": spec}
        | ({"status": status} if "status" in obj else {})
    )
