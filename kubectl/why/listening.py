"""What listens in a pod, against what somebody wants to reach there."""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.objects import Object

_LOOPBACK = ("127.", "::1")


def is_loopback(address: str) -> bool:
    return address.startswith(_LOOPBACK)


def reachable_ports(listeners: Iterable[Object], protocol: str = "TCP") -> list[int]:
    """Ports that can be reached from outside of the pod."""
    return sorted(
        {e["port"] for e in listeners if e["protocol"] == protocol and not is_loopback(e["address"])}
    )


def what_listens(listeners: Iterable[Object], port: int, protocol: str = "TCP") -> str:
    """Why a port can't be reached: `nobody: …` in words; empty if something listens there for all."""
    there = [each for each in listeners if each["protocol"] == protocol]
    ports = reachable_ports(there, protocol)
    if port in ports:
        return ""
    if any(each["port"] == port for each in there):
        return f"nobody: port {port} is open on the loopback address only"
    if not ports:
        return f"nobody: nothing listens on port {port}"
    return f"nobody: nothing listens on port {port}, only on {', '.join(map(str, ports))}"
