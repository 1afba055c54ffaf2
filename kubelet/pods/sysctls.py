"""Which sysctls a pod may set: safe ones, and what the node's administrator allows. Pure.

Source: pkg/kubelet/sysctl of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, get_path

SAFE = (
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
)
_IPC = ("kernel.sem", "kernel.shm", "kernel.msg", "fs.mqueue.")


def forbidden_sysctl(pod: Object, allowed: Sequence[str]) -> str:
    """Upstream's words for the first that the pod may not set, or ''. `allowed` may end in `*`."""
    spec = pod.get("spec") or {}
    for each in get_path(spec, "securityContext.sysctls") or ():
        name = each["name"].replace("/", ".")
        if not any(_matches(name, pattern) for pattern in (*SAFE, *allowed)):
            return f'forbidden sysctl: "{each["name"]}" not allowlisted'
        if spec.get("hostNetwork") and name.startswith("net."):
            return f'forbidden sysctl: "{each["name"]}" not allowed with host net enabled'
        if spec.get("hostIPC") and name.startswith(_IPC):
            return f'forbidden sysctl: "{each["name"]}" not allowed with host ipc enabled'
    return ""


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.replace("/", ".")
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
