"""One metric of an autoscaler: how it is asked for, what it proposes, and what is told when it fails.

Source: computeReplicasForMetric and what it calls in pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from apimachinery.labels import Selector, SelectorError, selector_from_label_selector
from apimachinery.objects import Object, namespace_of
from apimachinery.quantity import Quantity
from controller_manager.horizontal_pod_autoscaler.calculator import Asked, Calculator
from controller_manager.horizontal_pod_autoscaler.readings import Readings
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError

_NO_RESOURCE_TARGET = (
    "invalid resource metric source: neither an average utilization target nor an average value (usage) "
    "target was set"
)


class MetricsApi(Protocol):
    """The three APIs of metrics. All raise MetricsError; values are thousandths."""

    async def resource(self, namespace: str, selector: Selector, name: str, container: str) -> Readings: ...
    async def of_pods(
        self, namespace: str, selector: Selector, name: str, metric_selector: Selector
    ) -> Readings: ...
    async def of_object(
        self, namespace: str, reference: Object, name: str, metric_selector: Selector
    ) -> int: ...
    async def external(self, namespace: str, name: str, metric_selector: Selector) -> int: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """How many replicas a metric asks for."""

    replicas: int
    metric: str
    """What it is, in words."""
    status: Object
    """An entry of status.currentMetrics."""


class MetricFailed(Exception):
    """The text is what is said of the whole autoscaler; `cause` what its condition and Event say."""

    def __init__(self, reason: str, cause: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Target:
    """What is scaled, as its Scale and its pods show it."""

    autoscaler: Object
    selector: Selector
    status_replicas: int
    calculator: Calculator

    @property
    def namespace(self) -> str:
        return namespace_of(self.autoscaler)


async def propose(api: MetricsApi, target: Target, metric: Object) -> Proposal:
    """Raises MetricFailed."""
    sort = metric.get("type", "")
    source = _SOURCES.get(sort)
    if source is None:
        text = f'unknown metric source type "{sort}"'
        raise MetricFailed("InvalidMetricSourceType", text, text)
    spec = metric[source.field]
    try:
        return await source.propose(api, target, spec)
    except _Failed as error:
        text = f"{error.prefix}{error}"
        raise MetricFailed(source.reason, str(error), source.text(spec) + text) from None
    except (MetricsError, SelectorError) as error:
        raise MetricFailed(source.reason, str(error), source.text(spec) + str(error)) from None


class _Failed(MetricsError):
    """With words that only the text of the whole has."""

    def __init__(self, prefix: str, cause: MetricsError) -> None:
        super().__init__(str(cause))
        self.prefix = prefix


async def _by_resource(api: MetricsApi, target: Target, spec: Object) -> Proposal:
    return await _resource(api, target, spec, "Resource")


async def _by_container_resource(api: MetricsApi, target: Target, spec: Object) -> Proposal:
    return await _resource(api, target, spec, "ContainerResource")


async def _resource(api: MetricsApi, target: Target, spec: Object, sort: str) -> Proposal:
    name, container, wanted = spec["name"], spec.get("container", ""), spec["target"]
    average, share = wanted.get("averageValue"), wanted.get("averageUtilization")
    if average is None and share is None:
        raise MetricsError(_NO_RESOURCE_TARGET)
    try:
        readings = await _readings_of_resource(api, target, name, container)
        if average is not None:
            asked, metric = target.calculator.by_average(readings, name, _milli(average)), f"{name} resource"
            current: Object = {"averageValue": _quantity(asked.usage)}
        else:
            asked = target.calculator.by_utilization(readings, name, container, share)
            of = "container " if container else ""
            metric = f"{name} {of}resource utilization (percentage of request)"
            current = {"averageUtilization": asked.utilization, "averageValue": _quantity(asked.usage)}
    except MetricsError as error:
        what = "usage" if average is not None else "utilization"
        raise MetricsError(f"failed to get {name} {what}: {error}") from None
    shown = {"name": name, **({"container": container} if container else {}), "current": current}
    return Proposal(asked.replicas, metric, {"type": sort, _SOURCES[sort].field: shown})


async def _readings_of_resource(api: MetricsApi, target: Target, name: str, container: str) -> Readings:
    try:
        return await api.resource(target.namespace, target.selector, name, container)
    except MetricsError as error:
        raise MetricsError(f"unable to get metrics for resource {name}: {error}") from None


async def _by_pods(api: MetricsApi, target: Target, spec: Object) -> Proposal:
    name, selector = spec["metric"]["name"], _selector(spec)
    try:
        readings = await api.of_pods(target.namespace, target.selector, name, selector)
    except MetricsError as error:
        raise MetricsError(f"unable to get metric {name}: {error}") from None
    asked = target.calculator.by_average(readings, "", _milli(spec["target"]["averageValue"]))
    status = {"metric": spec["metric"], "current": {"averageValue": _quantity(asked.usage)}}
    return Proposal(asked.replicas, f"pods metric {name}", {"type": "Pods", "pods": status})


async def _by_object(api: MetricsApi, target: Target, spec: Object) -> Proposal:
    name, described, selector = spec["metric"]["name"], spec["describedObject"], _selector(spec)

    async def read() -> int:
        try:
            return await api.of_object(target.namespace, described, name, selector)
        except MetricsError as error:
            where = f"{described['kind']} {target.namespace}/{described['name']}"
            raise MetricsError(f"unable to get metric {name} on {where}: {error}") from None

    wanted = spec["target"]
    if wanted["type"] == "Value" and wanted.get("value") is not None:
        asked = target.calculator.by_value(await read(), _milli(wanted["value"]))
        current, metric = {"value": _quantity(asked.usage)}, f"{described['kind']} metric {name}"
    elif wanted["type"] == "AverageValue" and wanted.get("averageValue") is not None:
        asked = await _share(read, target, wanted, f"failed to get {name} object metric: ")
        current, metric = {"averageValue": _quantity(asked.usage)}, _external_name(spec["metric"])
    else:
        raise MetricsError(_no_target("object"))
    status = {"describedObject": described, "metric": spec["metric"], "current": current}
    return Proposal(asked.replicas, metric, {"type": "Object", "object": status})


async def _by_external(api: MetricsApi, target: Target, spec: Object) -> Proposal:
    name, selector, wanted = spec["metric"]["name"], _selector(spec), spec["target"]

    async def read() -> int:
        try:
            return await api.external(target.namespace, name, selector)
        except MetricsError as error:
            where = f"{target.namespace}/{name}/{_selector_text(spec['metric'].get('selector'))}"
            raise MetricsError(f"unable to get external metric {where}: {error}") from None

    if wanted.get("averageValue") is not None:
        asked = await _share(read, target, wanted, f"failed to get {name} external metric: ")
        current = {"averageValue": _quantity(asked.usage)}
    elif wanted.get("value") is not None:
        try:
            asked = target.calculator.by_value(await read(), _milli(wanted["value"]))
        except MetricsError as error:
            raise _Failed(f"failed to get external metric {name}: ", error) from None
        current = {"value": _quantity(asked.usage)}
    else:
        raise MetricsError(_no_target("external"))
    status = {"metric": spec["metric"], "current": current}
    return Proposal(asked.replicas, _external_name(spec["metric"]), {"type": "External", "external": status})


async def _share(read: Callable[[], Awaitable[int]], target: Target, wanted: Object, prefix: str) -> Asked:
    try:
        usage = await read()
    except MetricsError as error:
        raise _Failed(prefix, error) from None
    return target.calculator.by_share(usage, _milli(wanted["averageValue"]), target.status_replicas)


def _no_target(sort: str) -> str:
    return f"invalid {sort} metric source: neither a value target nor an average value target was set"


def _external_name(metric: Object) -> str:
    return f"external metric {metric['name']}({_selector_text(metric.get('selector'))})"


def _selector_text(selector: Object | None) -> str:
    """As Go prints a LabelSelector."""
    if selector is None:
        return "nil"
    labels = "".join(f"{key}: {value}," for key, value in sorted((selector.get("matchLabels") or {}).items()))
    expressions = "".join(map(_expression_text, selector.get("matchExpressions") or ()))
    listed = f"MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{"
    return f"&LabelSelector{{{listed}{expressions}}},}}"


def _expression_text(each: Object) -> str:
    values = " ".join(each.get("values") or ())
    return f"LabelSelectorRequirement{{Key:{each['key']},Operator:{each['operator']},Values:[{values}],}},"


def _selector(spec: Object) -> Selector:
    return selector_from_label_selector(spec["metric"].get("selector"))


def _milli(quantity: str) -> int:
    return Quantity.parse(quantity).milli_value()


def _quantity(milli: int) -> str:
    return str(Quantity(milli * 10**6))


@dataclass(frozen=True, slots=True)
class _Source:
    field: str
    reason: str
    propose: Callable[[MetricsApi, Target, Object], Awaitable[Proposal]]
    text: Callable[[Object], str]


_SOURCES = {
    "Resource": _Source(
        "resource",
        "FailedGetResourceMetric",
        _by_resource,
        lambda spec: f"failed to get {spec['name']} resource metric value: ",
    ),
    "ContainerResource": _Source(
        "containerResource",
        "FailedGetContainerResourceMetric",
        _by_container_resource,
        lambda spec: f"failed to get {spec['container']} container metric value: ",
    ),
    "Pods": _Source("pods", "FailedGetPodsMetric", _by_pods, lambda _: "failed to get pods metric value: "),
    "Object": _Source(
        "object", "FailedGetObjectMetric", _by_object, lambda _: "failed to get object metric value: "
    ),
    "External": _Source(
        "external",
        "FailedGetExternalMetric",
        _by_external,
        lambda spec: f"failed to get {spec['metric']['name']} external metric value: ",
    ),
}
