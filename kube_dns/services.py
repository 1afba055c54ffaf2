"""Services and endpoints as far as names depend on them, parsed from API objects, and how these are indexed.

An endpoint counts unless its `ready` condition says false. publishNotReadyAddresses and terminating pods need
no rule here: who writes the EndpointSlice has them in that condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of
from apimachinery.well_known import SERVICE_NAME
from kube_dns.addresses import canonical, to_label

HEADLESS = "None"


class Port(NamedTuple):
    """`number` is 0 where none is declared: such a port has an address, and no SRV record."""

    name: str
    protocol: str
    number: int


NO_PORTS = (Port("", "", 0),)


class Endpoint(NamedTuple):
    """One address behind a Service; `label` tells it from the others."""

    address: str
    label: str
    ports: tuple[Port, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """Of `addresses` a headless Service has none, as has one that is the alias of `external_name`."""

    namespace: str
    name: str
    addresses: tuple[str, ...] = ()
    ports: tuple[Port, ...] = NO_PORTS
    external_name: str = ""


def parse_service(service: Object) -> Service:
    is_external = get_path(service, "spec.type") == "ExternalName"
    return Service(
        namespace_of(service),
        name_of(service),
        tuple(cluster_addresses(service)),
        _ports(get_path(service, "spec.ports")),
        str(get_path(service, "spec.externalName", "")).lower() if is_external else "",
    )


def parse_slices(slices: Iterable[Object]) -> list[Endpoint]:
    """The endpoints of all slices of a Service, each once: one that moves is in two of them."""
    return list(dict.fromkeys(each for endpoint_slice in slices for each in _parse_slice(endpoint_slice)))


def _parse_slice(endpoint_slice: Object) -> Iterator[Endpoint]:
    if endpoint_slice.get("addressType") == "FQDN":
        return
    ports = _ports(endpoint_slice.get("ports"))
    for each in endpoint_slice.get("endpoints") or ():
        if get_path(each, "conditions.ready") is False:
            continue
        for address in filter(None, map(canonical, each["addresses"])):
            yield Endpoint(address, (each.get("hostname") or to_label(address)).lower(), ports)


def _ports(ports: Iterable[Object] | None) -> tuple[Port, ...]:
    parsed = (
        Port(each.get("name") or "", (each.get("protocol") or "TCP").lower(), each.get("port") or 0)
        for each in ports or ()
    )
    return tuple(parsed) or NO_PORTS


# Indexes


def cluster_addresses(service: Object) -> list[str]:
    """The cluster IPs, if the Service has any."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return []
    given = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return [address for each in given if each != HEADLESS and (address := canonical(each))]


def service_of(endpoint_slice: Object) -> list[str]:
    """namespace/name of the Service that a slice belongs to."""
    name = labels_of(endpoint_slice).get(SERVICE_NAME)
    return [f"{namespace_of(endpoint_slice)}/{name}"] if name else []


def endpoint_addresses(endpoint_slice: Object) -> set[str]:
    """The addresses of a slice's endpoints."""
    return {each.address for each in _parse_slice(endpoint_slice)}
