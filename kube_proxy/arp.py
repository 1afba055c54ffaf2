"""Gratuitous ARP: tells the neighbours where an address is now, unasked."""

from __future__ import annotations

import socket
import struct

from kube_proxy.addresses import Link

_ETHERTYPE = 0x0806
_ETHERNET, _IPV4 = 1, 0x0800
_REQUEST, _REPLY = 1, 2
_EVERYBODY = b"\xff" * 6


def tell_neighbours(ip: str, link: Link) -> None:
    """As a question and as an answer, since some listen to the one and some to the other. Raises OSError."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETHERTYPE)) as sock:
        sock.bind((link.name, _ETHERTYPE))
        for operation in (_REQUEST, _REPLY):
            sock.send(frame(operation, link.mac, ip))


def frame(operation: int, mac: str, ip: str) -> bytes:
    """The address is both who asks and who is asked for."""
    ours, address = bytes.fromhex(mac.replace(":", "")), socket.inet_aton(ip)
    target = _EVERYBODY if operation == _REPLY else bytes(6)
    ethernet = _EVERYBODY + ours + struct.pack("!H", _ETHERTYPE)
    kinds = struct.pack("!HHBBH", _ETHERNET, _IPV4, len(ours), len(address), operation)
    return ethernet + kinds + ours + address + target + address
