"""ResourceQuota: refuses what a namespace has no room for, and charges what it lets in.

The charge is written before the object; if that fails after all, the controller puts the books right.
Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from apimachinery.objects import Object, get_path, name_of
from apimachinery.quantity import Quantity, parse_quantity
from apimachinery.quota.scopes import has_deadline, matches_scopes
from apimachinery.quota.usage import Usage, names_of, unspecified, usage_of
from apimachinery.scheme import PERSISTENT_VOLUME_CLAIMS, PODS, RESOURCE_QUOTAS, SERVICES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.registry.transaction import Decide, Decision, Keep, Put, Transactions
from apiserver.storage.entry import Entry

_MAY_GROW = (PODS, SERVICES, PERSISTENT_VOLUME_CLAIMS)
_ZERO = Quantity()

Quotas = Callable[[str], list[Object]]
"""quotas(namespace)"""


class ResourceQuota:
    name = "ResourceQuota"

    def __init__(self, quotas: Quotas, transactions: Transactions, now: Callable[[], datetime]) -> None:
        self._quotas, self._transactions, self._now = quotas, transactions, now

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if resource == PODS and subresource == "resize":
            return operation == "UPDATE"
        if subresource or not resource.namespaced:
            return False
        return operation == "CREATE" or (operation == "UPDATE" and resource in _MAY_GROW)

    async def validate(self, attributes: Attributes) -> None:
        quotas = self._quotas(attributes.namespace)
        if not quotas or attributes.object is None or _is_charged_as_before(attributes):
            return
        now = self._now()
        concerned = [
            (quota, growth(quota, attributes, now))
            for quota in quotas
            if concerns(quota, attributes.resource, attributes.object)
        ]
        for quota, used in concerned:
            check(quota, attributes, used)
        if attributes.dry_run:
            return
        for quota, used in concerned:
            if charged(quota, used) is not None:
                key = RESOURCE_QUOTAS.storage_key(attributes.namespace, name_of(quota))
                await self._transactions.guaranteed_update(key, _charge(attributes, used))


def _is_charged_as_before(attributes: Attributes) -> bool:
    """Of a pod's updates only those count that give it an end, or take that away: it changes its quota."""
    if attributes.resource != PODS or attributes.operation != "UPDATE" or attributes.subresource:
        return False
    return has_deadline(attributes.object or {}) == has_deadline(attributes.old_object or {})


def growth(quota: Object, attributes: Attributes, now: datetime) -> Usage:
    """What the object newly uses of the quota: all, where it was none of its business before."""
    resource, old = attributes.resource, attributes.old_object
    used = usage_of(resource, attributes.object or {}, now)
    if attributes.operation == "UPDATE" and old is not None and matches_scopes(quota, resource, old):
        before = usage_of(resource, old, now)
        used = {name: amount - before.get(name, _ZERO) for name, amount in used.items()}
    return {name: amount for name, amount in used.items() if amount > _ZERO}


def concerns(quota: Object, resource: Resource, obj: Object) -> bool:
    hard = get_path(quota, "status.hard", {})
    return bool(names_of(resource, hard)) and matches_scopes(quota, resource, obj)


def check(quota: Object, attributes: Attributes, growth: Usage) -> None:
    """Raises ForbiddenError if the quota has no room for the object, or can't tell."""
    hard, used = _amounts(quota, "hard"), _amounts(quota, "used")
    names = names_of(attributes.resource, hard)
    if attributes.resource == PODS and (missing := unspecified(attributes.object or {}, names)):
        raise refuse(attributes, f"failed quota: {name_of(quota)}: must specify {missing}")
    if any(name not in used for name in names):
        listed = ",".join(names)
        raise refuse(attributes, f"status unknown for quota: {name_of(quota)}, resources: {listed}")
    exceeded = sorted(
        name for name, amount in growth.items() if name in hard and used[name] + amount > hard[name]
    )
    if exceeded:
        told = [
            f"{what}: {_listed(amounts, exceeded)}"
            for what, amounts in (("requested", growth), ("used", used), ("limited", hard))
        ]
        raise refuse(attributes, f"exceeded quota: {name_of(quota)}, {', '.join(told)}")


def _listed(amounts: Mapping[str, Quantity], names: Iterable[str]) -> str:
    return ",".join(f"{name}={amounts[name]}" for name in names)


def charged(quota: Object, growth: Usage) -> Object | None:
    """The quota with more in use; None if the growth is none of its business."""
    hard, used = get_path(quota, "status.hard", {}), _amounts(quota, "used")
    added = {name: str(used.get(name, _ZERO) + amount) for name, amount in growth.items() if name in hard}
    if not added:
        return None
    status = {**quota["status"], "used": {**quota["status"].get("used", {}), **added}}
    return {**quota, "status": status}


def _charge(attributes: Attributes, growth: Usage) -> Decide:
    async def decide(entry: Entry | None) -> Decision:
        if entry is None:
            return Keep()
        check(entry.obj, attributes, growth)
        wanted = charged(entry.obj, growth)
        return Keep() if wanted is None else Put(wanted)

    return decide


def _amounts(quota: Object, field: str) -> Usage:
    return {name: parse_quantity(value) for name, value in get_path(quota, f"status.{field}", {}).items()}
