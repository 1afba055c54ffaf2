"""How many addresses of the service range are given out, with upstream's names: looked at when asked."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from random import Random

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from apimachinery.scheme import IP_ADDRESSES
from apiserver.registry.allocators_ips import AddressAllocator
from apiserver.storage.watch_cache import WatchCache
from component_base.metric_families import gauge

_PREFIX = "kube_apiserver_clusterip_allocator"


class AllocatedAddresses(Collector):
    def __init__(self, cache: WatchCache, cidr: str) -> None:
        self._cache = cache
        self._range = AddressAllocator(cidr, Random())

    def collect(self) -> Iterator[Metric]:
        network = self._range.network
        names = [each.name for each in self._cache.resource(IP_ADDRESSES).entries()]
        allocated = sum(ip_address(each) in network for each in names)
        yield gauge(
            f"{_PREFIX}_allocated_ips",
            "Gauge measuring the number of allocated IPs for Services",
            ["cidr"],
            [([str(network)], allocated)],
        )
        yield gauge(
            f"{_PREFIX}_available_ips",
            "Gauge measuring the number of available IPs for Services",
            ["cidr"],
            [([str(network)], self._range.size - allocated)],
        )
