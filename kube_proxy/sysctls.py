"""The kernel's settings that rules depend on."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_ROOT = Path("/proc/sys/net")


def track(wanted: Mapping[str, int]) -> None:
    """Sets what differs below net.netfilter, as far as a container may: of its network not all of it."""
    for name, value in wanted.items():
        setting = _ROOT / "netfilter" / name
        try:
            if setting.read_text().strip() != str(value):
                setting.write_text(str(value))
                log.info("Set sysctl: entry=net/netfilter/%s value=%d", name, value)
        except OSError as error:
            log.warning("Sysctl was not set: entry=net/netfilter/%s value=%d err=%s", name, value, error)


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
