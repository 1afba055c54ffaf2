"""The status of a ResourceQuota from the objects that there are. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from apimachinery.objects import Object, get_path
from apimachinery.quantity import Quantity
from apimachinery.quota.scopes import matches_scopes
from apimachinery.quota.usage import names_of, resource_of, usage_of
from apimachinery.resource import Resource

Objects = Callable[[Resource], Sequence[Object]]
"""objects(resource) of the quota's namespace."""


def names_by_resource(quota: Object, served: Iterable[Resource]) -> dict[Resource, list[str]]:
    """Which resources a quota asks about, and by which names; names of what isn't served are left out."""
    hard, served = get_path(quota, "spec.hard", {}), list(served)
    asked = dict.fromkeys(resource_of(name, served) for name in hard)
    return {resource: names_of(resource, hard) for resource in asked if resource is not None}


def calculate_status(
    quota: Object, names: Mapping[Resource, Sequence[str]], objects: Objects, now: datetime
) -> Object:
    """What is used of each name; of what `names` lacks, what was told before, as upstream has it."""
    hard = get_path(quota, "spec.hard", {})
    used = {name: Quantity() for each in names.values() for name in each}
    for resource, wanted in names.items():
        for obj in objects(resource):
            amounts = usage_of(resource, obj, now) if matches_scopes(quota, resource, obj) else {}
            for name in amounts.keys() & wanted:
                used[name] += amounts[name]
    told = {name: amount for name, amount in get_path(quota, "status.used", {}).items() if name in hard}
    told |= {name: str(amount) for name, amount in used.items()}
    return {"hard": dict(hard), "used": dict(sorted(told.items()))}


def gives_back(new: Object, old: Object | None) -> bool:
    """Whether less of something counts as used than before."""
    before = get_path(old or {}, "used", {})
    return any(
        name in before and Quantity.parse(amount) < Quantity.parse(before[name])
        for name, amount in new["used"].items()
    )
