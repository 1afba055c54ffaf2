"""Node ports: one bitmap object for the whole cluster, upstream's RangeAllocation."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable

from apimachinery.objects import Object
from apimachinery.serialize import from_json, to_json
from apiserver.registry.allocator_metrics import counted_port, tell_ports
from apiserver.registry.allocators import AlreadyAllocated, NotInRange, RangeFull, candidates, reserved_band
from apiserver.storage.interface import KeyExists, KeyValue, RevisionMismatch, Storage

KEY = "/registry/ranges/servicenodeports"
_TAKEN = "provided port is already allocated"


class PortAllocator:
    """Gives out the ports of a range such as `30000-32767`."""

    def __init__(self, port_range: str, randomness: random.Random, key: str = KEY) -> None:
        first, _, last = port_range.partition("-")
        self.range = port_range
        self.first, self._size = int(first), int(last) - int(first) + 1
        self._random = randomness
        self._key = key

    async def allocate(self, storage: Storage, port: int) -> None:
        """Takes this port. Raises NotInRange, AlreadyAllocated."""

        def take(taken: int) -> int:
            if taken & self._bit(port):
                raise AlreadyAllocated(_TAKEN)
            return taken | self._bit(port)

        with counted_port("static"):
            await self._change(storage, take)

    async def allocate_next(self, storage: Storage) -> int:
        """Takes any free port. Raises RangeFull."""
        chosen = 0

        def take(taken: int) -> int:
            nonlocal chosen
            reserved = reserved_band(self._size, share=32, most=128)
            for offset in candidates(self._size, reserved, self._random):
                if not taken >> offset & 1:
                    chosen = self.first + offset
                    return taken | 1 << offset
            raise RangeFull

        with counted_port("dynamic"):
            await self._change(storage, take)
        return chosen

    async def release(self, storage: Storage, port: int) -> None:
        """Frees the port; one that is free, or none of ours, is no error."""
        if self.first <= port < self.first + self._size:
            bit = self._bit(port)
            await self._change(storage, lambda taken: taken & ~bit)

    async def taken(self, storage: Storage) -> set[int]:
        """Every port that is given out."""
        bits = self._decode(await storage.get(self._key))
        return {self.first + offset for offset in range(self._size) if bits >> offset & 1}

    async def check(self, storage: Storage, port: int) -> None:
        """Whether the port could be taken now. Raises NotInRange, AlreadyAllocated."""
        if self._decode(await storage.get(self._key)) & self._bit(port):
            raise AlreadyAllocated(_TAKEN)

    def _bit(self, port: int) -> int:
        offset = port - self.first
        if not 0 <= offset < self._size:
            raise NotInRange(
                f"provided port is not in the valid range. The range of valid ports is {self.range}"
            )
        return 1 << offset

    async def _change(self, storage: Storage, change: Callable[[int], int]) -> None:
        """One guaranteed update: whoever loses a race looks again."""
        current = await storage.get(self._key)
        while True:
            before = self._decode(current)
            after = change(before)
            if after == before:
                return
            try:
                if current is None:
                    await storage.create(self._key, self._encode(after))
                else:
                    await storage.update(self._key, self._encode(after), current.revision)
            except (KeyExists, RevisionMismatch):
                current = await storage.get(self._key)
            else:
                return tell_ports(after.bit_count(), self._size)

    def _decode(self, stored: KeyValue | None) -> int:
        """A bitmap of another range starts anew: the flag was changed, and services keep what they have."""
        found: Object = from_json(stored.value) if stored is not None else {}
        if found.get("range") != self.range:
            return 0
        return int.from_bytes(base64.b64decode(found.get("data") or ""), "big")

    def _encode(self, taken: int) -> bytes:
        data = base64.b64encode(taken.to_bytes((taken.bit_length() + 7) // 8, "big")).decode()
        return to_json(
            {
                "apiVersion": "v1",
                "kind": "RangeAllocation",
                "metadata": {},
                "range": self.range,
                "data": data,
            }
        )
