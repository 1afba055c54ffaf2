"""Connection tracking: forgets UDP flows that lead to endpoints which are gone.

UDP has no end, so the kernel would go on sending a client's packets to where the first one went. Which
flows are stale is decided purely; reading and deleting them is a netlink socket of our own, since the library
for it costs a daemon twenty megabytes.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

Destination = tuple[str, int]  # ("", node port) stands for any address of the node
Targets = frozenset[tuple[str, int]]  # endpoints, by address and port

UDP = 17
_NETLINK_NETFILTER = 12
_SUBSYSTEM = 1 << 8
_GET, _DELETE = 1, 2
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_ERROR, _DONE = 2, 3
_NESTED = 0x8000
_TUPLE_ORIG, _TUPLE_REPLY = 1, 2
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_IP_SRC, _IP_DST = 1, 2
_PROTO_NUM, _SRC_PORT, _DST_PORT = 1, 2, 3
_HEAD = 16
_BUFFER = 1 << 18


class Flow(NamedTuple):
    """A tracked flow: as the client sent it, and who answers."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    reply_source: str
    reply_port: int
    protocol: int = UDP


def stale_flows(
    flows: Iterable[Flow], wanted: Mapping[Destination, Targets], node_ips: frozenset[str]
) -> list[Flow]:
    """UDP flows to a destination of ours (`wanted`: its endpoints) that somebody else answers."""
    stale = []
    for flow in flows:
        endpoints = wanted.get((flow.destination, flow.destination_port))
        if endpoints is None and flow.destination in node_ips:
            endpoints = wanted.get(("", flow.destination_port))
        answering = (flow.reply_source, flow.reply_port)
        if endpoints is not None and flow.protocol == UDP and answering not in endpoints:
            stale.append(flow)
    return stale


class Conntrack:
    """The kernel's table of IPv4 flows."""

    def flows(self) -> list[Flow]:
        """Raises OSError."""
        with _open() as sock:
            sock.send(_message(_GET, _REQUEST | _DUMP, b""))
            return [flow for payload in answers(sock) if (flow := _parse(payload)) is not None]

    def delete(self, flows: Iterable[Flow]) -> None:
        """Raises OSError."""
        with _open() as sock:
            for flow in flows:
                sock.send(_message(_DELETE, _REQUEST | _ACK, _original(flow)))
                for _ in answers(sock):
                    pass


def _open() -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    sock.bind((0, 0))
    return sock


def _message(command: int, flags: int, attributes: bytes) -> bytes:
    body = struct.pack("=BBH", socket.AF_INET, 0, 0) + attributes
    return struct.pack("=IHHII", _HEAD + len(body), _SUBSYSTEM | command, flags, 1, 0) + body


def _attribute(type: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), type) + value + b"\0" * (-len(value) % 4)


def _original(flow: Flow) -> bytes:
    addresses = _attribute(_IP_SRC, socket.inet_aton(flow.source)) + _attribute(
        _IP_DST, socket.inet_aton(flow.destination)
    )
    ports = (
        _attribute(_PROTO_NUM, bytes([flow.protocol]))
        + _attribute(_SRC_PORT, struct.pack("!H", flow.source_port))
        + _attribute(_DST_PORT, struct.pack("!H", flow.destination_port))
    )
    inside = _attribute(_TUPLE_IP | _NESTED, addresses) + _attribute(_TUPLE_PROTO | _NESTED, ports)
    return _attribute(_TUPLE_ORIG | _NESTED, inside)


def answers(sock: socket.socket) -> Iterator[bytes]:
    """The messages up to the end of a dump, or to the acknowledgement. A flow that is gone is no error.

    Raises OSError.
    """
    while True:
        data = sock.recv(_BUFFER)
        while data:
            length, type, flags = struct.unpack_from("=IHH", data)
            if type in (_DONE, _ERROR):
                [code] = struct.unpack_from("=i", data, _HEAD)
                if -code not in (0, errno.ENOENT):
                    raise OSError(-code, os.strerror(-code))
                return
            yield data[20:length]
            if not flags & 0x2:  # not part of a dump
                return
            data = data[(length + 3) & ~3 :]


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= 4:
        length, type = struct.unpack_from("=HH", data)
        found[type & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def _parse(payload: bytes) -> Flow | None:
    attributes = _attributes(payload)
    original, reply = (_attributes(attributes.get(which, b"")) for which in (_TUPLE_ORIG, _TUPLE_REPLY))
    addresses, ports = _attributes(original.get(_TUPLE_IP, b"")), _attributes(original.get(_TUPLE_PROTO, b""))
    answering, from_ports = (_attributes(reply.get(which, b"")) for which in (_TUPLE_IP, _TUPLE_PROTO))
    if _SRC_PORT not in ports or _SRC_PORT not in from_ports or len(addresses.get(_IP_SRC, b"")) != 4:
        return None
    return Flow(
        source=socket.inet_ntoa(addresses[_IP_SRC]),
        source_port=int.from_bytes(ports[_SRC_PORT], "big"),
        destination=socket.inet_ntoa(addresses[_IP_DST]),
        destination_port=int.from_bytes(ports[_DST_PORT], "big"),
        reply_source=socket.inet_ntoa(answering[_IP_SRC]),
        reply_port=int.from_bytes(from_ports[_SRC_PORT], "big"),
        protocol=ports[_PROTO_NUM][0],
    )
