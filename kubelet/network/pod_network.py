"""The network of one node's pods: a bridge, an address for each sandbox, and the rules around them.

Keeps in memory only what the running sandboxes' labels tell again after a restart (`adopt`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from kubelet.network import peers
from kubelet.network.firewall import Firewall, FirewallError, set_kernel_parameters
from kubelet.network.ipam import AddressesExhausted, AddressPool
from kubelet.network.links import Links
from kubelet.network.netlink import LinkError
from kubelet.network.routes import Backend, Route, plan_routes, with_tunnels
from kubelet.network.rules import Forward, NodeNetwork, forwards
from kubelet.runtime.interface import HostPort

T = TypeVar("T")


class NetworkError(Exception):
    """A sandbox can get no network, and why."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A sandbox as the network knows it."""

    owner: str
    address: str
    host_ports: tuple[HostPort, ...] = ()


class PodNetwork:
    def __init__(
        self,
        node: str,
        cluster_cidr: str = "",
        *,
        backend: Backend = Backend.AUTO,
        links: Links | None = None,
    ) -> None:
        self.node = node
        self._backend = backend
        self._cluster_cidr = cluster_cidr
        self._links = links or Links()
        self._firewall = Firewall()
        self._pool: AddressPool | None = None
        self._network: NodeNetwork | None = None
        self._ports: dict[str, list[Forward]] = {}
        # One thread: netlink and nft take milliseconds, and entering a namespace must concern nobody else.
        self._thread = ThreadPoolExecutor(1, "network")

    @property
    def is_ready(self) -> bool:
        return self._pool is not None

    @property
    def pod_cidr(self) -> str:
        return str(self._pool.network) if self._pool else ""

    async def set_up(self, pod_cidr: str, present: Iterable[Tenant]) -> None:
        """`present`: the sandboxes that run already."""
        pool, ports = AddressPool(pod_cidr), dict[str, list[Forward]]()
        for tenant in present:
            pool.adopt(tenant.address, tenant.owner)
            ports[tenant.owner] = forwards(tenant.address, tenant.host_ports)
        network = NodeNetwork(self.node, pod_cidr, self._cluster_cidr)
        gateway = f"{pool.gateway}/{pool.prefix_length}"
        await self._do(lambda: self._prepare(network, gateway, _flatten(ports)))
        self._pool, self._network, self._ports = pool, network, ports

    async def restore(self) -> None:
        """Whatever somebody else may have taken away since: bridge, rules."""
        network, pool, ports = self._network, self._pool, _flatten(self._ports)
        if network is not None and pool is not None:
            gateway = f"{pool.gateway}/{pool.prefix_length}"
            await self._do(lambda: self._prepare(network, gateway, ports))

    def take_address(self, owner: str) -> str:
        """`owner` is a name of the sandbox that no other one ever has."""
        if self._pool is None:
            raise NetworkError("the node has no podCIDR yet")
        try:
            return self._pool.take(owner)
        except AddressesExhausted as error:
            raise NetworkError(str(error)) from error

    async def attach(self, sandbox_id: str, pid: int, tenant: Tenant) -> None:
        assert self._pool is not None, "an address was taken from it"
        network, pool = self._network, self._pool
        assert network is not None, "set together with the pool"
        within = f"{tenant.address}/{pool.prefix_length}"
        await self._do(lambda: self._links.attach(sandbox_id, pid, network.bridge, within, pool.gateway))
        if wanted := forwards(tenant.address, tenant.host_ports):
            self._ports[tenant.owner] = wanted
            await self._write_ports()

    async def release(self, tenant: Tenant) -> None:
        """The sandbox is no more; its interface went with it."""
        if self._pool is not None:
            self._pool.release(tenant.address, tenant.owner)
        if self._ports.pop(tenant.owner, None):
            await self._write_ports()

    async def reach(self, wanted: Iterable[Route], own_address: str) -> None:
        """Makes the ways to the pods of other nodes those wanted; how each is reached is found out here."""
        routes = list(wanted)
        await self._do(lambda: self._reach(routes, own_address))

    def _reach(self, routes: list[Route], own_address: str) -> None:
        wanted = with_tunnels(routes, self._backend, peers.is_direct)
        peers.apply(plan_routes(wanted, peers.present()), own_address)

    async def aclose(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _write_ports(self) -> None:
        network, ports = self._network, _flatten(self._ports)
        assert network is not None, "there are ports, so there is a network"
        await self._do(lambda: self._firewall.write_table(network, ports))

    def _prepare(self, network: NodeNetwork, gateway: str, ports: list[Forward]) -> None:
        self._links.ensure_bridge(network.bridge, gateway)
        set_kernel_parameters(network.bridge)
        self._firewall.accept_forwarding(network)
        self._firewall.write_table(network, ports)

    async def _do(self, action: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, action)
        except (LinkError, FirewallError) as error:
            raise NetworkError(str(error)) from error


def _flatten(ports: dict[str, list[Forward]]) -> list[Forward]:
    return [each for wanted in ports.values() for each in wanted]
