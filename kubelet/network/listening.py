"""The sockets that listen in a network namespace, as the kernel's tables tell: nothing is connected to."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# What the kernel calls a socket that waits for others: TCP_LISTEN, and for UDP one that is not connected.
_TABLES = {"tcp": ("TCP", "0A"), "tcp6": ("TCP", "0A"), "udp": ("UDP", "07"), "udp6": ("UDP", "07")}


class Listener(NamedTuple):
    protocol: str
    address: str
    port: int


def listeners(pid: int, *, proc: Path = Path("/proc")) -> list[Listener]:
    """Of the namespace that a process is in; none if it is gone."""
    found: set[Listener] = set()
    for table, (protocol, state) in _TABLES.items():
        try:
            text = (proc / str(pid) / "net" / table).read_text()
        except OSError:
            continue
        found.update(parse_table(text, protocol, state))
    return sorted(found)


def parse_table(text: str, protocol: str, state: str) -> Iterator[Listener]:
    """The lines of /proc/net/tcp and its like that are in that state."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == state:
            address, _, port = fields[1].partition(":")
            yield Listener(protocol, _address(address), int(port, 16))


def _address(text: str) -> str:
    """Words of four bytes, each in the machine's own order: little-endian wherever this runs."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    packed = b"".join(words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
