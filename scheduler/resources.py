"""Amounts of resources as plain integers: cpu in thousandths, everything else in whole units.

Parsed once from Quantities; all of the scheduler's arithmetic is on these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from apimachinery.objects import Object
from apimachinery.pods import is_sidecar
from apimachinery.quantity import parse_quantity

Amounts = dict[str, int]

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
# What scoring takes a container without requests to use, so that such pods spread as well.
ASSUMED: Mapping[str, int] = {CPU: 100, MEMORY: 200 * 1024 * 1024}
NOTHING: Mapping[str, int] = {}


@lru_cache(maxsize=4096)
def amount(resource: str, quantity: str | int | float) -> int:
    parsed = parse_quantity(quantity)
    return parsed.milli_value() if resource == CPU else parsed.value()


def amounts(resources: Mapping[str, str | int | float] | None) -> Amounts:
    return {name: amount(name, value) for name, value in (resources or {}).items()}


def is_extended(name: str) -> bool:
    """Whether it is nobody's but a device plugin's, or an extender's."""
    return "/" in name and "kubernetes.io/" not in name and not name.startswith("requests.")


def is_counted(name: str) -> bool:
    """Whether the resource counts for a pod only if it asks for it: all but those that every pod uses."""
    return name not in (CPU, MEMORY, EPHEMERAL_STORAGE)


def pod_requests(spec: Object, assumed: Mapping[str, int] = NOTHING) -> Amounts:
    """What the pod asks of a node. `assumed` stands in for what containers leave out.

    Containers and sidecars run together; each other init container runs beside the sidecars before it.
    Pod-level requests, where given, count instead of the containers' sum.
    """
    running = _sum(_requests(each, assumed) for each in spec.get("containers") or ())
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in spec.get("initContainers") or ():
        beside = _sum([sidecars, _requests(container, assumed)])
        if is_sidecar(container):
            sidecars = beside
        peak = maximum(peak, beside)
    total = maximum(_sum([running, sidecars]), peak)
    total |= amounts((spec.get("resources") or {}).get("requests"))
    return _sum([total, amounts(spec.get("overhead"))])


def assumed_requests(spec: Object) -> Amounts:
    """For scoring. Where the pod as a whole has requests, only what none of them is about is made up."""
    assumed = ASSUMED
    if (spec.get("resources") or {}).get("requests"):
        known = pod_requests(spec)
        assumed = {name: value for name, value in ASSUMED.items() if not known.get(name)}
    return pod_requests(spec, assumed)


def _requests(container: Object, assumed: Mapping[str, int]) -> Amounts:
    return {**assumed, **amounts((container.get("resources") or {}).get("requests"))}


def _sum(lists: Iterable[Mapping[str, int]]) -> Amounts:
    total: Amounts = {}
    for each in lists:
        for name, value in each.items():
            total[name] = total.get(name, 0) + value
    return total


def maximum(one: Amounts, other: Amounts) -> Amounts:
    """Resource by resource."""
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
