"""Addresses of one node's pods, out of its podCIDR. Pure bookkeeping, no I/O.

Nothing is written down: what is taken is learned again from the running sandboxes' labels (`adopt`).
"""

from __future__ import annotations

import ipaddress


class AddressesExhausted(Exception):
    """Every address of the podCIDR is taken."""


class AddressPool:
    """Hands out addresses in a circle, so that one just given back rests for as long as possible.

    The first address is the bridge's (the pods' gateway); network and broadcast addresses are never used.
    """

    def __init__(self, cidr: str) -> None:
        self.network = ipaddress.ip_network(cidr)
        self._first = int(self.network.network_address) + 2
        self._last = int(self.network.broadcast_address) - (1 if self.network.version == 4 else 0)
        self._next = self._first
        self._owners: dict[int, str] = {}

    @property
    def gateway(self) -> str:
        return str(self.network.network_address + 1)

    @property
    def prefix_length(self) -> int:
        return self.network.prefixlen

    def take(self, owner: str) -> str:
        size = self._last - self._first + 1
        if len(self._owners) >= size:
            raise AddressesExhausted(f"no free address in {self.network}")
        while self._next in self._owners:
            self._step()
        address = self._next
        self._step()
        self._owners[address] = owner
        return self._text(address)

    def adopt(self, address: str, owner: str) -> None:
        """A running sandbox has it already. Addresses of another range (the podCIDR changed) are not ours."""
        number = int(ipaddress.ip_address(address))
        if self._first <= number <= self._last:
            self._owners[number] = owner

    def release(self, address: str, owner: str) -> None:
        """Once it has been given to another, nobody else can give it back."""
        number = int(ipaddress.ip_address(address))
        if self._owners.get(number) == owner:
            del self._owners[number]

    def _step(self) -> None:
        self._next = self._first if self._next >= self._last else self._next + 1

    def _text(self, number: int) -> str:
        return str(type(self.network.network_address)(number))
