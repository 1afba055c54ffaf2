"""Cells that Tables of several kinds share (upstream: pkg/printers/internalversion)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from operator import itemgetter

from apimachinery.durations import human_duration
from apimachinery.objects import Object
from apimachinery.times import parse_time, seconds_between
from apiserver.registry.strategy import AGE_COLUMN, NAME_COLUMN, Column

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"

WIDE_CONTAINERS = (Column("Containers", priority=1), Column("Images", priority=1))
WIDE_TEMPLATE = (*WIDE_CONTAINERS, Column("Selector", priority=1))


def columns(*middle: str | Column, wide: tuple[Column, ...] = ()) -> tuple[Column, ...]:
    """Name, these, Age, and what `-o wide` adds. Text columns may be given by name."""
    made = [each if isinstance(each, Column) else Column(each) for each in middle]
    return (NAME_COLUMN, *made, AGE_COLUMN, *wide)


def integers(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "integer") for name in names)


def since(moment: str | None, now: datetime) -> str:
    return human_duration(seconds_between(parse_time(moment), now)) if moment else UNKNOWN


def age(obj: Object, now: datetime) -> str:
    return since(obj["metadata"].get("creationTimestamp"), now)


def labels_text(labels: Mapping[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or NONE


def selector_text(selector: Object | None) -> str:
    """A LabelSelector as text, by keys; upstream's FormatLabelSelector."""
    selector = selector or {}
    terms = [(key, f"{key}={value}") for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, operator = expression.get("key"), expression.get("operator")
        values = ",".join(sorted(expression.get("values") or ()))
        shown = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": f"{key}",
            "DoesNotExist": f"!{key}",
        }
        terms.append((key, shown.get(operator or "", "")))
    return ",".join(text for _, text in sorted(terms, key=itemgetter(0))) or NONE


def container_cells(template: Object | None) -> list[str]:
    """Names and images of a template's containers."""
    containers = ((template or {}).get("spec") or {}).get("containers") or ()
    return [joined(containers, "name"), joined(containers, "image")]


def joined(items: Iterable[Object], field: str) -> str:
    return ",".join(item.get(field) or "" for item in items)


def template_cells(spec: Object) -> list[str]:
    """What -o wide adds for a kind with a template and a LabelSelector."""
    return [*container_cells(spec.get("template")), selector_text(spec.get("selector"))]


def ingress_addresses(holder: Object) -> list[str]:
    """Where a load balancer serves a Service or an Ingress."""
    ingress = ((holder.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    return sorted({each.get("ip") or each.get("hostname") or "" for each in ingress} - {""})
