"""Names of what a node puts into the machine's network, so that it can be found and taken away. Pure.

Several nodes may share one machine; all that belongs to one carries the same eight digits.
"""

from __future__ import annotations

import hashlib

BRIDGE_PREFIX = "smp-"
VETH_PREFIX = "smv"
TUNNEL = "smp-vxlan"
"""The machine's VXLAN device; its nodes share it."""
TABLE_PREFIX = "sampan-node-"
_MAX_INTERFACE_NAME = 15


def node_digits(node: str) -> str:
    return hashlib.sha256(node.encode()).hexdigest()[:8]


def bridge_name(node: str) -> str:
    return f"{BRIDGE_PREFIX}{node_digits(node)}"


def table_name(node: str) -> str:
    return f"{TABLE_PREFIX}{node_digits(node)}"


def veth_name(sandbox_id: str) -> str:
    """The host's end; the pod's is eth0."""
    return f"{VETH_PREFIX}{sandbox_id}"[:_MAX_INTERFACE_NAME]


def mac_of(address: str) -> str:
    """Made of the IPv4 address, as CNI's bridge does: what a neighbour remembers of an address stays true."""
    return ":".join(["0a", "58", *(f"{int(octet):02x}" for octet in address.split("."))])


def address_of(mac: str) -> str:
    """The address that `mac_of` made it of; nothing for any other."""
    octets = mac.split(":")
    return ".".join(str(int(octet, 16)) for octet in octets[2:]) if octets[:2] == ["0a", "58"] else ""
