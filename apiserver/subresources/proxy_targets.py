"""Where proxied requests go: a node's kubelet or another of its ports, a pod, one of a service's endpoints.

Source: pkg/registry/core/{node,pod,service} (ResourceLocation) of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apimachinery.errors import BadRequestError, NotFoundError, ServiceUnavailableError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import ENDPOINTS, NODES, PODS, SERVICES, Resource
from apiserver.request import RequestInfo
from apiserver.services import port_name_of
from apiserver.storage.cached import FreshLookup
from apiserver.subresources.kubelets import Backends
from apiserver.subresources.relay import Relay
from apiserver.subresources.targets import authority, kubelet_address, split_proxy_name

DAEMON_PORTS = ("10257", "10259", "10261")
"""Of controller-manager, scheduler and kube-proxy, which tell more to those who may know it: they are shown
our certificate, as kubelets are (docs/decisions/0007). Upstream shows it to kubelets alone."""


@dataclass(frozen=True, slots=True)
class Target:
    relay: Relay
    scheme: str
    host: str
    """With the port, where there is one."""

    @property
    def base(self) -> str:
        return f"{self.scheme or 'http'}://{self.host}"


class ProxyTargets:
    def __init__(
        self, backends: Backends, lookup: FreshLookup, preferred: Sequence[str], randomness: random.Random
    ) -> None:
        self._backends = backends
        self._lookup = lookup
        self._preferred = preferred
        self._randomness = randomness

    async def find(self, info: RequestInfo) -> Target:
        """Where a request's node, pod or service is reached. Raises StatusError in upstream's words."""
        scheme, name, port = split_proxy_name(info.name, info.plural.removesuffix("s"))
        match info.plural:
            case "nodes":
                return await self._node(scheme, name, port)
            case "pods":
                pod = await self._get(PODS, info.namespace, name)
                return Target(self._backends.pods, scheme, pod_host(pod, port))
            case _:
                host = await self._endpoint(info, name, port)
                return Target(self._backends.pods, scheme, host)

    async def _node(self, scheme: str, name: str, port: str) -> Target:
        host, kubelet_port = kubelet_address(await self._get(NODES, "", name), self._preferred)
        if port in ("", str(kubelet_port)):
            return Target(self._backends.kubelets, "https", authority(host, kubelet_port))
        await check_host(host)
        if scheme == "https" and port in DAEMON_PORTS:
            return Target(self._backends.kubelets, scheme, authority(host, port))
        return Target(self._backends.pods, scheme, authority(host, port))

    async def _endpoint(self, info: RequestInfo, name: str, port: str) -> str:
        service = await self._get(SERVICES, info.namespace, name)
        port_name = service_port_name(service, port)
        endpoints = await self._get(ENDPOINTS, info.namespace, name)
        candidates = list(endpoint_candidates(endpoints, port_name))
        self._randomness.shuffle(candidates)
        for address, number in candidates:
            if await self._is_of_a_pod(info.namespace, address):
                return authority(address["ip"], number)
        raise ServiceUnavailableError(f'no endpoints available for service "{info.name}"')

    async def _is_of_a_pod(self, namespace: str, address: Object) -> bool:
        """Endpoints that somebody wrote by hand must not make a way to whatever the apiserver can reach."""
        target = address.get("targetRef") or {}
        if target.get("namespace") != namespace:
            return False
        pod = await self._lookup(PODS, namespace, target.get("name", ""))
        return any(each["ip"] == address["ip"] for each in get_path(pod or {}, "status.podIPs") or ())

    async def _get(self, resource: Resource, namespace: str, name: str) -> Object:
        found = await self._lookup(resource, namespace, name)
        if found is None:
            raise NotFoundError(resource, name)
        return found


def pod_host(pod: Object, port: str) -> str:
    """At the port asked for, else at the first that the pod tells of."""
    address = get_path(pod, "status.podIP") or ""
    check_address(address)
    port = port or first_port(pod)
    return authority(address, port) if port else (f"[{address}]" if ":" in address else address)


def first_port(pod: Object) -> str:
    ports = (container.get("ports") for container in pod["spec"].get("containers") or ())
    return next((str(each[0]["containerPort"]) for each in ports if each), "")


def check_address(text: str) -> None:
    """Nobody is led to the apiserver's own machine. Raises BadRequestError."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise BadRequestError("address not allowed") from None
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise BadRequestError("address not allowed")


async def check_host(name: str) -> None:
    """An address, or a name that leads to allowed ones only. Raises BadRequestError."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None)
    except OSError as error:
        raise BadRequestError(f"lookup {name}: no such host") from error
    for *_, (address, *_) in found:
        check_address(str(address))


def service_port_name(service: Object, port: str) -> str:
    """The name of a service's port, which may be given by its number. Raises ServiceUnavailableError."""
    return port_name_of(service, int(port)) if port.isdigit() else port


def endpoint_candidates(endpoints: Object, port_name: str) -> Iterator[tuple[Object, int]]:
    """Every address that is ready, with the port of this name."""
    for subset in endpoints.get("subsets") or ():
        for port in subset.get("ports") or ():
            if port.get("name", "") == port_name:
                yield from ((address, port["port"]) for address in subset.get("addresses") or ())
