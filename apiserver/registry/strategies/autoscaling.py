"""HorizontalPodAutoscalers, in the form of autoscaling/v2 in which they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, deep_copy, get_path
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.checks import dns_label, matches, quantity_of
from apiserver.registry.strategies.podspec.defaults import canonical, fill_absent
from apiserver.registry.strategies.tables import NONE, UNKNOWN, UNSET, age, columns
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_SOURCES = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_JUDGED = ("Object", "External", "Pods", "Resource", "ContainerResource")
"""The order in which upstream looks at what a metric may be of; only the first is looked into."""
_NO_TARGET = {
    "Object": "must set either a target value or averageValue",
    "External": "must set either a target value for metric or a per-pod target",
}
_ANY_CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}
_FASTEST_UP = [
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
]
_FASTEST_DOWN = [{"type": "Percent", "value": 100, "periodSeconds": 15}]


class HorizontalPodAutoscalerStrategy(Strategy):
    tracks_generation = False
    columns: Sequence[Column] = columns("Reference", "Targets", "MinPods", "MaxPods", "Replicas")

    def default(self, obj: Object) -> None:
        spec = obj.setdefault("spec", {})
        fill_absent(spec, {"minReplicas": 1})
        if not spec.get("metrics"):
            spec["metrics"] = [deep_copy(_ANY_CPU)]
        paths = [f"{source}.target" for source in _SOURCES.values()]
        for target in [get_path(metric, path, {}) for metric in spec["metrics"] for path in paths]:
            for field in ("value", "averageValue"):
                if target.get(field) is not None:
                    target[field] = canonical(target[field])
        _default_behavior(spec.get("behavior"))
        if "status" in obj:
            obj["status"] = _as_go_writes_it(obj["status"] or {})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = _as_go_writes_it({})

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"], {}))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_spec(new["spec"], old["spec"]))

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec, status = obj["spec"], obj.get("status") or {}
        target = spec.get("scaleTargetRef") or {}
        return [
            obj["metadata"]["name"],
            f"{target.get('kind') or ''}/{target.get('name') or ''}",
            _metrics_text(spec.get("metrics") or [], status.get("currentMetrics") or []),
            str(spec["minReplicas"]) if spec.get("minReplicas") is not None else UNSET,
            spec.get("maxReplicas") or 0,
            status.get("currentReplicas") or 0,
            age(obj, now),
        ]


def _as_go_writes_it(status: Object) -> Object:
    """Two fields of v2's status are there though they are empty, one is away when it is zero."""
    written = {"currentMetrics": None, "desiredReplicas": 0} | status
    if not written.get("currentReplicas"):
        written.pop("currentReplicas", None)
    return written


def _default_behavior(behavior: Object | None) -> None:
    if behavior is None:
        return
    for field, policies, window in (("scaleUp", _FASTEST_UP, 0), ("scaleDown", _FASTEST_DOWN, None)):
        rules = behavior.get(field)
        if rules is None:
            rules = behavior[field] = {}
        if window is not None:
            fill_absent(rules, {"stabilizationWindowSeconds": window})
        fill_absent(rules, {"selectPolicy": "Max"})
        if not rules.get("policies"):
            rules["policies"] = [dict(policy) for policy in policies]


def _validate_spec(spec: Object, old: Object) -> Errors:
    """`old` is empty where all is new: versions of what is scaled that it has may stay."""
    lowest, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if lowest is not None and lowest < 1:
        yield invalid(_SPEC.child("minReplicas"), lowest, "must be greater than or equal to 1")
    at = _SPEC.child("maxReplicas")
    if most < 1:
        yield invalid(at, most, "must be greater than 0")
    if lowest is not None and most < lowest:
        yield invalid(at, most, "must be greater than or equal to `minReplicas`")
    target, at = spec.get("scaleTargetRef") or {}, _SPEC.child("scaleTargetRef")
    yield from _reference(target, at)
    if _kind_of(target) != _kind_of(old.get("scaleTargetRef") or {}):
        yield from _api_version(target, at, may_be_core=target.get("kind") == "ReplicationController")
    strict = not any(_describes_nonsense(metric) for metric in old.get("metrics") or ())
    for index, metric in enumerate(spec.get("metrics") or ()):
        yield from _metric(metric, _SPEC.child("metrics").index(index), strict=strict)
    for field in ("scaleUp", "scaleDown"):
        rules = get_path(spec, f"behavior.{field}")
        if rules is not None:
            yield from _rules(rules, _SPEC.child("behavior", field))


def _reference(reference: Object, path: Path) -> Errors:
    for field in ("kind", "name"):
        if not reference.get(field):
            yield required(path.child(field))
        else:
            yield from matches(reference[field], path.child(field), names.is_path_segment)


def _kind_of(reference: Object) -> tuple[str, str]:
    return reference.get("apiVersion") or "", reference.get("kind") or ""


def _api_version(reference: Object, path: Path, *, may_be_core: bool) -> Errors:
    value, at = reference.get("apiVersion") or "", path.child("apiVersion")
    group, slash, _ = value.partition("/")
    if value.count("/") > 1:
        yield invalid(at, value, f"unexpected GroupVersion string: {value}")
    elif not may_be_core and not (slash and group):
        yield invalid(at, value, "apiVersion must specify API group")


def _describes_nonsense(metric: Object) -> bool:
    described = get_path(metric, "object.describedObject")
    return bool(described) and any(True for _ in _api_version(described, _SPEC, may_be_core=True))


def _metric(metric: Object, path: Path, *, strict: bool) -> Errors:
    """`strict`: the version of what an object metric describes must be one."""
    sort = metric.get("type") or ""
    if not sort:
        yield required(path.child("type"), "must specify a metric source type")
    if sort not in _SOURCES:
        yield not_supported(path.child("type"), sort, sorted(_SOURCES))
    given = [name for name in _JUDGED if metric.get(_SOURCES[name]) is not None]
    for name in given[:1]:
        yield from _source(metric[_SOURCES[name]], name, path.child(_SOURCES[name]), strict=strict)
    if sort not in _SOURCES:
        yield not_supported(path.child("type"), sort, sorted(_SOURCES))
    elif sort not in given:
        yield required(path.child(_SOURCES[sort]), "must populate information for the given metric source")
    if len(given) != 1:
        for name in given:
            if name != sort:
                yield forbidden(path.child(_SOURCES[name]), "must populate the given metric source only")


def _source(source: Object, sort: str, path: Path, *, strict: bool) -> Errors:
    target = source.get("target") or {}
    if sort in ("Resource", "ContainerResource"):
        if not source.get("name"):
            yield required(path.child("name"), "must specify a resource name")
        if sort == "ContainerResource" and not source.get("container"):
            yield required(path.child("container"), "must specify a container")
        elif sort == "ContainerResource":
            yield from dns_label(source["container"], path.child("container"))
    else:
        if sort == "Object":
            described, at = source.get("describedObject") or {}, path.child("describedObject")
            yield from _reference(described, at)
            if strict:
                yield from _api_version(described, at, may_be_core=True)
        identifier, at = source.get("metric") or {}, path.child("metric")
        if not identifier.get("name"):
            yield required(at.child("name"), "must specify a metric name")
        else:
            yield from matches(identifier["name"], at.child("name"), names.is_path_segment)
    yield from _target(target, path.child("target"))
    yield from _target_for(sort, target, path.child("target"))


def _target(target: Object, path: Path) -> Errors:
    sort = target.get("type") or ""
    if not sort:
        yield required(path.child("type"), "must specify a metric target type")
    if sort not in ("Utilization", "Value", "AverageValue"):
        detail = "must be either Utilization, Value, or AverageValue"
        yield invalid(path.child("type"), sort, detail)
    for field in ("value", "averageValue"):
        if target.get(field) is not None and quantity_of(target[field]) <= Quantity.parse(0):
            yield invalid(path.child(field), str(quantity_of(target[field])), "must be positive")
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        yield invalid(path.child("averageUtilization"), share, "must be greater than 0")


def _target_for(sort: str, target: Object, path: Path) -> Errors:
    value, average, share = (target.get(f) for f in ("value", "averageValue", "averageUtilization"))
    if sort in ("Resource", "ContainerResource"):
        if share is None and average is None:
            detail = "must set either a target raw value or a target utilization"
            yield required(path.child("averageUtilization"), detail)
        if share is not None and average is not None:
            detail = "may not set both a target raw value and a target utilization"
            yield forbidden(path.child("averageValue"), detail)
    elif sort == "Pods" and average is None:
        yield required(path.child("averageValue"), "must specify a positive target averageValue")
    elif sort in ("Object", "External") and value is None and average is None:
        yield required(path.child("averageValue"), _NO_TARGET[sort])
    elif sort == "External" and value is not None and average is not None:
        detail = "may not set both a target value for metric and a per-pod target"
        yield forbidden(path.child("value"), detail)


def _rules(rules: Object, path: Path) -> Errors:
    window, at = rules.get("stabilizationWindowSeconds"), path.child("stabilizationWindowSeconds")
    if window is not None and window < 0:
        yield invalid(at, window, "must be greater than or equal to zero")
    if window is not None and window > 3600:
        yield invalid(at, window, "must be less than or equal to 3600")
    if rules.get("selectPolicy") not in (None, "Max", "Min", "Disabled"):
        at = path.child("selectPolicy")
        yield not_supported(at, rules["selectPolicy"], ("Disabled", "Max", "Min"))
    if not rules.get("policies"):
        yield required(path.child("policies"), "must specify at least one Policy")
    for index, policy in enumerate(rules.get("policies") or ()):
        at = path.child("policies").index(index)
        if policy.get("type") not in ("Pods", "Percent"):
            yield not_supported(at.child("type"), policy.get("type") or "", ("Percent", "Pods"))
        if (policy.get("value") or 0) <= 0:
            yield invalid(at.child("value"), policy.get("value") or 0, "must be greater than zero")
        period = policy.get("periodSeconds") or 0
        if period <= 0:
            yield invalid(at.child("periodSeconds"), period, "must be greater than zero")
        if period > 1800:
            yield invalid(at.child("periodSeconds"), period, "must be less than or equal to 1800")


def _metrics_text(metrics: Sequence[Object], current: Sequence[Object]) -> str:
    shown = [_metric_text(m, current[i] if i < len(current) else {}) for i, m in enumerate(metrics)]
    if not shown:
        return NONE
    text = ", ".join(shown[:2])
    return f"{text} + {len(shown) - 2} more..." if len(shown) > 2 else text


def _metric_text(metric: Object, status: Object) -> str:
    sort = metric.get("type") or ""
    field = _SOURCES.get(sort)
    if field is None:
        return "<unknown type>"
    source, now = metric.get(field) or {}, get_path(status, f"{field}.current", {})
    target = source.get("target") or {}
    if sort in ("Resource", "ContainerResource"):
        name = source.get("name") or ""
        if target.get("averageValue") is not None:
            return f"{name}: {now.get('averageValue') or UNKNOWN}/{target['averageValue']}"
        share, wanted = now.get("averageUtilization"), target.get("averageUtilization")
        shown = UNKNOWN if share is None else f"{share}%"
        return f"{name}: {shown}/{'<auto>' if wanted is None else f'{wanted}%'}"
    average = " (avg)" if sort != "Pods" else ""
    if target.get("averageValue") is not None:
        return f"{now.get('averageValue') or UNKNOWN}/{target['averageValue']}{average}"
    return f"{now.get('value') or UNKNOWN}/{target.get('value') or UNKNOWN}"
