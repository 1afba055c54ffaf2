"""The kernel's settings that rules depend on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_ROOT = Path("/proc/sys/net")


def is_tcp_liberal() -> bool:
    """Whether the kernel takes packets outside of their connection's window for valid."""
    with suppress(OSError):
        return (_ROOT / "netfilter/nf_conntrack_tcp_be_liberal").read_text().strip() != "0"
    return False


def route_loopback() -> None:
    """Lets packets with loopback addresses leave loopback, as node ports on localhost do. Raises OSError."""
    setting = _ROOT / "ipv4/conf/all/route_localnet"
    if setting.read_text().strip() != "1":
        setting.write_text("1")
