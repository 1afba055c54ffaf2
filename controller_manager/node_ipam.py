"""Node IPAM: a podCIDR for every node, out of the cluster's.

Source: pkg/controller/nodeipam/ipam (range_allocator.go, cidrset). The nodes are the memory of what is taken.
"""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object, name_of
from client.controller import Watch, by_name
from client.events import NORMAL
from controller_manager.context import ControllerContext

log = logging.getLogger(__name__)

EXHAUSTED_RETRY = 30.0

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def cidrs_of(node: Object | None) -> tuple[str, ...]:
    """The podCIDRs that a node has."""
    spec = node["spec"] if node else {}
    return tuple(filter(None, spec.get("podCIDRs") or [spec.get("podCIDR")]))


@cache
def _parsed(cidr: str) -> Network:
    return ipaddress.ip_network(cidr)


def networks_of(text: str) -> Iterator[Network]:
    """Of a list with commas; what cannot be read is told of and left out, as upstream does."""
    for each in filter(None, map(str.strip, text.split(","))):
        try:
            yield ipaddress.ip_network(each, strict=False)
        except ValueError as error:
            log.warning("Could not parse a service CIDR: cidr=%s err=%s", each, error)


class Subnets:
    """The cluster's range in equal parts, of which each is free or in use.

    The search goes on behind the last part given, so that what a node has left rests as long as possible.
    """

    def __init__(self, cluster: Network, mask_size: int) -> None:
        self._cluster, self._mask_size = cluster, mask_size
        self._size = 1 << (cluster.max_prefixlen - mask_size)
        self._count = cluster.num_addresses // self._size
        self._uses: Counter[int] = Counter()
        self._next = 0

    def take(self, network: Network) -> None:
        """Each part that the network overlaps is in use once more."""
        self._uses.update(self._numbers(network))

    def release(self, network: Network) -> None:
        """Undoes one `take`."""
        for number in self._numbers(network):
            self._uses[number] -= 1
            if not self._uses[number]:
                del self._uses[number]

    def allocate(self) -> Network | None:
        """Takes a free part; None when there is none."""
        if len(self._uses) >= self._count:
            return None
        while self._next in self._uses:
            self._next = (self._next + 1) % self._count
        start = int(self._cluster.network_address) + self._next * self._size
        subnet = type(self._cluster)((start, self._mask_size))
        self.take(subnet)
        self._next = (self._next + 1) % self._count
        return subnet

    def _numbers(self, network: Network) -> Iterable[int]:
        if network.version != self._cluster.version:
            return ()
        start = int(self._cluster.network_address)
        first = max(int(network.network_address) - start, 0) // self._size
        last = (int(network.broadcast_address) - start) // self._size
        return range(first, min(last + 1, self._count))


class NodeIpamController:
    """Gives each new node a subnet. One worker: two allocations never run at once."""

    name = "node-ipam-controller"

    def __init__(self, context: ControllerContext) -> None:
        options = context.options
        self._client = context.client
        self._events = context.recorder("cidrAllocator")
        self._nodes = context.informers.informer(scheme.NODES)
        cluster = ipaddress.ip_network(options.cluster_cidr)
        self._subnets = Subnets(cluster, options.node_cidr_mask_size_ipv4 or options.node_cidr_mask_size)
        for network in networks_of(options.service_cluster_ip_range):
            self._subnets.take(network)
        self._held: dict[str, tuple[str, ...]] = {}
        """What nodes have, as it was taken: a deletion may tell of more than we saw."""
        self._assigned: dict[str, Network] = {}
        """What we gave and the cache may not show yet."""
        self._refused: set[str] = set()
        """Nodes that were told that there is none: once is enough."""
        self._nodes.add_handler(self._account)

    def watches(self) -> list[Watch]:
        return [Watch(self._nodes, by_name)]

    def _account(self, old: Object | None, new: Object | None) -> None:
        name = name_of(new or old or {})
        before, after = self._held.pop(name, ()), cidrs_of(new)
        if after:
            self._held[name] = after
        if before != after:
            for cidr in after:
                self._subnets.take(_parsed(cidr))
            for cidr in before:
                self._subnets.release(_parsed(cidr))

    async def reconcile(self, key: NamespacedName) -> float | None:
        node = self._nodes.get(key)
        if node is None or node["spec"].get("podCIDR"):
            self._refused.discard(key.name)
            if given := self._assigned.pop(key.name, None):
                self._subnets.release(given)  # the node has it now, or is gone
            return None
        subnet = self._assigned.get(key.name) or self._subnets.allocate()
        if subnet is None:
            self._refuse(node)
            return EXHAUSTED_RETRY
        self._assigned[key.name] = subnet
        patch = {"spec": {"podCIDR": str(subnet), "podCIDRs": [str(subnet)]}}
        await self._client.patch(scheme.NODES, key.name, patch)
        return None

    def _refuse(self, node: Object) -> None:
        name = node["metadata"]["name"]
        if name not in self._refused:
            self._refused.add(name)
            message = f"Node {name} status is now: CIDRNotAvailable"
            self._events.event(node, NORMAL, "CIDRNotAvailable", message)
