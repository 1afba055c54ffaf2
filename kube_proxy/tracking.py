"""How the kernel is to track connections: `conntrack` of KubeProxyConfiguration, as sysctls. Pure."""

from __future__ import annotations

from dataclasses import dataclass

DAY, HOUR = 86400.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Zero, of a number or a time, leaves things as they are."""

    max_per_core: int = 32 * 1024
    min: int = 128 * 1024
    """What a machine of few cores gets, unless max_per_core is zero."""
    tcp_established_timeout: float = DAY
    tcp_close_wait_timeout: float = HOUR
    """How long a server may go on after its client has closed."""
    tcp_be_liberal: bool = False
    udp_timeout: float = 0.0
    udp_stream_timeout: float = 0.0


def sysctls_of(tracking: Tracking, cores: int) -> dict[str, int]:
    """The values below net.netfilter, only those that are to be set."""
    wanted = {
        "nf_conntrack_max": _maximum(tracking, cores),
        "nf_conntrack_tcp_timeout_established": int(tracking.tcp_established_timeout),
        "nf_conntrack_tcp_timeout_close_wait": int(tracking.tcp_close_wait_timeout),
        "nf_conntrack_tcp_be_liberal": int(tracking.tcp_be_liberal),
        "nf_conntrack_udp_timeout": int(tracking.udp_timeout),
        "nf_conntrack_udp_timeout_stream": int(tracking.udp_stream_timeout),
    }
    return {name: value for name, value in wanted.items() if value > 0}


def _maximum(tracking: Tracking, cores: int) -> int:
    return max(tracking.max_per_core * cores, tracking.min) if tracking.max_per_core else 0
