"""The addresses of this machine."""

from __future__ import annotations

import socket


def primary_address(toward: str = "") -> str:
    """The address this machine uses to reach `toward`, or the world. No packet is sent."""
    for target in (toward, "192.0.2.1"):
        if not target:
            continue
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect((target, 9))
                address = str(probe.getsockname()[0])
            except OSError:
                continue
            if not address.startswith("127."):
                return address
    return "127.0.0.1"
