"""Which of the kernel's messages about addresses matter."""

from __future__ import annotations

import socket
import struct

import pytest

from kube_proxy.addresses import is_news

UNIVERSE, LINK, HOST = 0, 253, 254


def message(family: int, scope: int, attributes: bytes = b"\0" * 9) -> bytes:
    """As the kernel writes it: padded to four bytes, which its length does not tell."""
    address = struct.pack("=BBBBI", family, 64, 0, scope, 7) + attributes
    packed = struct.pack("=IHHII", 16 + len(address), 20, 0, 0, 0) + address
    return packed + b"\0" * (-len(packed) % 4)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(message(socket.AF_INET, UNIVERSE), True, id="IPv4"),
        pytest.param(message(socket.AF_INET, HOST), True, id="IPv4 of loopback"),
        pytest.param(message(socket.AF_INET6, UNIVERSE), True, id="IPv6"),
        pytest.param(message(socket.AF_INET6, LINK), False, id="IPv6 of one wire"),
        pytest.param(message(socket.AF_INET6, LINK) + message(socket.AF_INET, UNIVERSE), True, id="second"),
        pytest.param(message(socket.AF_INET6, LINK) * 2, False, id="neither"),
        pytest.param(b"", False, id="nothing"),
    ],
)
def test_addresses_of_one_wire_only_are_no_news(data: bytes, expected: bool) -> None:
    assert is_news(data) is expected
