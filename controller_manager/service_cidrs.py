"""ServiceCIDRs: ready once they have their finalizer, and gone once no Service depends on their addresses.

Source: pkg/controller/servicecidrs/servicecidrs_controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import timedelta

from apimachinery import scheme
from apimachinery.conditions import condition_of
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, key_of, labels_of, name_of
from apimachinery.times import format_time, parse_time
from apimachinery.well_known import ADDRESS_MANAGED_BY, IP_ALLOCATOR
from client.controller import Watch
from client.rest import MERGE
from controller_manager.context import ControllerContext
from controller_manager.volume_protection import add_finalizer, finalizers_of, remove_finalizer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FINALIZER = "networking.k8s.io/service-cidr-finalizer"
GRACE = timedelta(seconds=10)
"""An apiserver that has not heard yet may still give out an address of a range that goes."""
_MANAGER = {ADDRESS_MANAGED_BY: IP_ALLOCATOR}

_READY = {"status": "True", "reason": "", "message": "Kubernetes Service CIDR is ready"}
_IN_USE = {
    "status": "False",
    "reason": "Terminating",
    "message": "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new "
    "ServiceCIDR",
}


class ServiceCIDRsController:
    name = "service-cidr-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client, self._now = context.client, context.now
        self._cidrs = context.informers.informer(scheme.SERVICE_CIDRS)
        self._addresses = context.informers.informer(scheme.IP_ADDRESSES)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._cidrs, lambda cidr: (key_of(cidr), *self._going())),
            Watch(self._addresses, lambda address: self._going(), lambda old, new: new is None),
        ]

    def _going(self) -> list[NamespacedName]:
        """Those that may go now that an address has gone or a range has come."""
        return [key_of(each) for each in self._cidrs.list() if is_terminating(each)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        cidr = self._cidrs.get(key)
        if cidr is None:
            return None
        if is_terminating(cidr):
            return await self._let_go(cidr)
        await add_finalizer(self._client, scheme.SERVICE_CIDRS, cidr, FINALIZER)
        if condition_of(cidr, "Ready") is None:
            await self._judge(cidr, _READY)
        return None

    async def _let_go(self, cidr: Object) -> float | None:
        if FINALIZER not in finalizers_of(cidr):
            return None
        others = [each for each in self._cidrs.list() if key_of(each) != key_of(cidr)]
        if is_needed(cidr, others, self._addresses.list()):
            await self._judge(cidr, _IN_USE)
            return None
        since = parse_time(cidr["metadata"]["deletionTimestamp"])
        left = (since + GRACE - self._now()).total_seconds()
        if left > 0:
            return left
        await remove_finalizer(self._client, scheme.SERVICE_CIDRS, cidr, FINALIZER)
        return None

    async def _judge(self, cidr: Object, verdict: Object) -> None:
        if (condition_of(cidr, "Ready") or {}).get("status") == verdict["status"]:
            return
        ready = {"type": "Ready", "lastTransitionTime": format_time(self._now()), **verdict}
        others = [each for each in get_path(cidr, "status.conditions", []) if each["type"] != "Ready"]
        patch = {"status": {"conditions": [*others, ready]}}
        await self._client.patch(
            scheme.SERVICE_CIDRS, name_of(cidr), patch, patch_type=MERGE, subresource="status"
        )


def is_needed(cidr: Object, others: Sequence[Object], addresses: Iterable[Object]) -> bool:
    """Whether some Service's address lies in this range and in no other that stays."""
    own = networks_of(cidr)
    staying = [network for each in others if not is_terminating(each) for network in networks_of(each)]
    return any(
        _lies_in(address, own) and not _lies_in(address, staying)
        for address in addresses
        if _MANAGER.items() <= labels_of(address).items()
    )


def networks_of(cidr: Object) -> list[Network]:
    return [ipaddress.ip_network(each) for each in get_path(cidr, "spec.cidrs", [])]


def _lies_in(address: Object, networks: Iterable[Network]) -> bool:
    ip = ipaddress.ip_address(name_of(address))
    return any(ip in network for network in networks)
