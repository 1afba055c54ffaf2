"""Service load balancers: an address out of a pool for each Service of type LoadBalancer that asks for ours.

Source: staging/src/k8s.io/cloud-provider/controllers/service/controller.go, with a pool of addresses in place
of a cloud; kube-proxy answers for them. The Services are the memory of what is taken.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from apimachinery import scheme
from apimachinery.objects import (
    NamespacedName,
    Object,
    get_path,
    is_terminating,
    key_of,
    name_of,
    resource_version_of,
)
from client.controller import Watch
from client.events import NORMAL, WARNING
from controller_manager.context import ControllerContext

log = logging.getLogger(__name__)

FINALIZER = "service.kubernetes.io/load-balancer-cleanup"


@dataclass(frozen=True, slots=True)
class Choice:
    """The address a Service gets, or why it gets none."""

    ip: str = ""
    problem: str = ""


def wants_address(service: Object) -> bool:
    """A Service with a class waits for the balancer of that class."""
    spec = service["spec"]
    is_ours = spec.get("type") == "LoadBalancer" and spec.get("loadBalancerClass") is None
    return is_ours and not is_terminating(service)


def addresses_of(service: Object) -> list[str]:
    return [each["ip"] for each in get_path(service, "status.loadBalancer.ingress", []) if each.get("ip")]


def choose(service: Object, pool: Sequence[IPv4Network], taken: Mapping[str, str]) -> Choice:
    """What is asked for, else what it has, else the first that is free. `taken`: address -> by whom."""
    wanted = service["spec"].get("loadBalancerIP")
    if wanted:
        if not _is_in(pool, wanted):
            return Choice(problem=f"requested address {wanted} is not in the pool")
        if wanted in taken:
            return Choice(problem=f"requested address {wanted} is in use by {taken[wanted]}")
        return Choice(wanted)
    kept = next((ip for ip in addresses_of(service) if _is_in(pool, ip) and ip not in taken), None)
    free = kept or next((ip for ip in _all_of(pool) if ip not in taken), None)
    return Choice(free) if free else Choice(problem="no address of the pool is free")


def _all_of(pool: Iterable[IPv4Network]) -> Iterator[str]:
    return (str(ip) for network in pool for ip in network.hosts())


def _is_in(pool: Iterable[IPv4Network], text: str) -> bool:
    """The first and the last address of a network, which mean the network itself and all of it, are not."""
    try:
        ip = IPv4Address(text)
    except ValueError:
        return False
    return any(
        ip in network
        and (network.prefixlen > 30 or ip not in (network.network_address, network.broadcast_address))
        for network in pool
    )


class ServiceLoadBalancerController:
    """One worker: two allocations never run at once."""

    name = "service-lb-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._events = context.recorder("service-controller")
        self._services = context.informers.informer(scheme.SERVICES)
        self._nodes = context.informers.informer(scheme.NODES)
        self._pool = [IPv4Network(each) for each in context.options.load_balancer_pool]
        self._assigned: dict[NamespacedName, str] = {}
        """What we gave and the cache may not show yet."""
        self._waiting: set[NamespacedName] = set()
        """Who got none, and looks again when an address comes back."""

    def watches(self) -> list[Watch]:
        return [Watch(self._services, self._concerned)]

    def _concerned(self, service: Object) -> Iterable[NamespacedName]:
        return (key_of(service), *(self._waiting if addresses_of(service) else ()))

    async def reconcile(self, key: NamespacedName) -> float | None:
        service = self._services.get(key)
        if service is None or not wants_address(service):
            self._assigned.pop(key, None)
            self._waiting.discard(key)
            if service is not None:
                await self._clean_up(service)
            return None
        choice = choose(service, self._pool, self._taken(key))
        if choice.problem:
            self._refuse(key, service, choice.problem)
            return None
        self._waiting.discard(key)
        self._assigned[key] = choice.ip
        await self._ensure(service, choice.ip)
        return None

    def _taken(self, key: NamespacedName) -> dict[str, str]:
        """Addresses of other Services, and of nodes, which a pool had better not have in it."""
        nodes = {
            each["address"]: f"node {name_of(node)}"
            for node in self._nodes.list()
            for each in get_path(node, "status.addresses", [])
        }
        shown = {
            ip: str(key_of(each))
            for each in self._services.list()
            if key_of(each) != key
            for ip in addresses_of(each)
        }
        given = {ip: str(other) for other, ip in self._assigned.items() if other != key}
        return nodes | shown | given

    def _refuse(self, key: NamespacedName, service: Object, problem: str) -> None:
        self._waiting.add(key)
        self._assigned.pop(key, None)
        log.warning("Service gets no address: service=%s reason=%s", key, problem)
        message = f"Error syncing load balancer: failed to ensure load balancer: {problem}"
        self._events.event(service, WARNING, "SyncLoadBalancerFailed", message)

    async def _ensure(self, service: Object, ip: str) -> None:
        finalizers = service["metadata"].get("finalizers") or []
        if addresses_of(service) == [ip] and FINALIZER in finalizers:
            return
        self._events.event(service, NORMAL, "EnsuringLoadBalancer", "Ensuring load balancer")
        kept = [each for each in finalizers if each != FINALIZER]
        await self._patch(service, [*kept, FINALIZER], [{"ip": ip, "ipMode": "VIP"}])
        self._events.event(service, NORMAL, "EnsuredLoadBalancer", "Ensured load balancer")

    async def _clean_up(self, service: Object) -> None:
        """For who has, or had, an address of ours: the finalizer says so."""
        finalizers = service["metadata"].get("finalizers") or []
        if FINALIZER not in finalizers:
            return
        self._events.event(service, NORMAL, "DeletingLoadBalancer", "Deleting load balancer")
        await self._patch(service, [each for each in finalizers if each != FINALIZER], None)
        self._events.event(service, NORMAL, "DeletedLoadBalancer", "Deleted load balancer")

    async def _patch(self, service: Object, finalizers: list[str], ingress: list[Object] | None) -> None:
        """Both in one write, so that there is never an address without its finalizer."""
        patch = {
            "metadata": {"finalizers": finalizers, "resourceVersion": resource_version_of(service)},
            "status": {"loadBalancer": {"ingress": ingress}},
        }
        namespace, name = key_of(service)
        await self._client.patch(scheme.SERVICES, name, patch, namespace, subresource="status")
