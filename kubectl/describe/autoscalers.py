"""HorizontalPodAutoscalers: what is measured, what is wanted of it, and what came of that."""

from __future__ import annotations

from apimachinery.objects import Object, get_path
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import UNSET
from kubectl.describe.writer import Writer

_UNKNOWN = "<unknown>"
_FIELDS = {
    "Resource": "resource",
    "ContainerResource": "containerResource",
    "Pods": "pods",
    "Object": "object",
    "External": "external",
}


def write_autoscaler(writer: Writer, obj: Object, _: Related) -> None:
    spec, status = obj.get("spec") or {}, obj.get("status") or {}
    target, lowest = spec.get("scaleTargetRef") or {}, spec.get("minReplicas")
    kind = target.get("kind", "")
    values.write_head(writer, obj)
    values.write_marks(writer, obj)
    writer.field("CreationTimestamp", values.local_time(obj["metadata"].get("creationTimestamp")))
    writer.field("Reference", f"{kind}/{target.get('name', '')}")
    writer.field("Metrics", "( current / target )")
    found = status.get("currentMetrics") or []
    for index, metric in enumerate(spec.get("metrics") or ()):
        _write_metric(writer, metric, found[index] if index < len(found) else {})
    writer.field("Min replicas", UNSET if lowest is None else lowest)
    writer.field("Max replicas", spec.get("maxReplicas", 0))
    if "behavior" in spec:
        _write_behavior(writer, spec["behavior"])
    current, desired = (status.get(name, 0) for name in ("currentReplicas", "desiredReplicas"))
    writer.field(f"{kind} pods", f"{current} current / {desired} desired")
    if conditions := status.get("conditions"):
        _write_conditions(writer, conditions)


def _write_metric(writer: Writer, metric: Object, status: Object) -> None:
    sort = metric.get("type", "")
    if sort not in _FIELDS:
        writer.line(f'<unknown metric type "{sort}">', 1)
        return
    source, current = metric[_FIELDS[sort]], get_path(status, f"{_FIELDS[sort]}.current", {})
    if sort in ("Resource", "ContainerResource"):
        _write_resource(writer, source, current)
        return
    is_average = "averageValue" in source["target"]
    field = "averageValue" if is_average else "value"
    what = f"(target {'average ' if is_average else ''}value)"
    if sort == "Object":
        what = f"on {source['describedObject']['kind']}/{source['describedObject']['name']} {what}"
    elif sort == "Pods":
        what = "on pods"
    amounts = f"{current.get(field, _UNKNOWN)} / {source['target'].get(field)}"
    writer.field(f'"{source["metric"]["name"]}" {what}', amounts, 1)


def _write_resource(writer: Writer, source: Object, current: Object) -> None:
    target, container = source["target"], source.get("container")
    what = f"resource {source['name']}" + (f' of container "{container}"' if container else "") + " on pods"
    if "averageValue" in target:
        writer.field(what, f"{current.get('averageValue', _UNKNOWN)} / {target['averageValue']}", 1)
        return
    share = current.get("averageUtilization")
    shown = _UNKNOWN if share is None else f"{share}% ({current.get('averageValue')})"
    wanted = target.get("averageUtilization")
    amounts = f"{shown} / {'<auto>' if wanted is None else f'{wanted}%'}"
    writer.field(f"{what}  (as a percentage of request)", amounts, 1)


def _write_behavior(writer: Writer, behavior: Object) -> None:
    writer.line("Behavior:")
    for title, field in (("Scale Up", "scaleUp"), ("Scale Down", "scaleDown")):
        rules = behavior.get(field)
        if rules is None:
            continue
        writer.line(f"{title}:", 1)
        if (window := rules.get("stabilizationWindowSeconds")) is not None:
            writer.line(f"Stabilization Window: {window} seconds", 2)
        if policies := rules.get("policies"):
            writer.line(f"Select Policy: {rules.get('selectPolicy', 'Max')}", 2)
            writer.line("Policies:", 2)
            for each in policies:
                cells = (each["type"], f"Value: {each['value']}", f"Period: {each['periodSeconds']} seconds")
                writer.line("- Type: " + "\t".join(cells), 3)


def _write_conditions(writer: Writer, conditions: list[Object]) -> None:
    writer.line("Conditions:")
    writer.line("Type\tStatus\tReason\tMessage", 1)
    writer.line("----\t------\t------\t-------", 1)
    for each in conditions:
        cells = (each["type"], each["status"], each.get("reason", ""), each.get("message", ""))
        writer.line("\t".join(cells), 1)
