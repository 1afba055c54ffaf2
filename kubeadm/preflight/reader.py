"""Reads the facts of this machine: the kernel's files, the engine's word, a few programs. Changes nothing."""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import socket
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Any

from kubeadm import host, ports
from kubeadm.components import components
from kubeadm.config import ClusterConfig
from kubeadm.engine import SOCKET
from kubeadm.launcher import launcher_of
from kubeadm.preflight.facts import FORBIDDEN, Disk, Engine, HostFacts, Network, TakenPort

_SYSCTLS = (
    "fs.inotify.max_user_instances", "fs.inotify.max_user_watches", "kernel.pid_max",
    "net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max", "net.ipv4.ip_forward",
)  # fmt: skip
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_UNSYNCHRONISED = 5
"""TIME_ERROR, adjtimex(2)."""


def read_host(config: ClusterConfig, environment: Mapping[str, str] = os.environ) -> HostFacts:
    memory = _memory()
    version, controllers = _cgroups()
    engine, engine_error = _engine()
    return HostFacts(
        kernel=platform.release(),
        cpus=len(os.sched_getaffinity(0)),
        memory_total=memory.get("MemTotal", 0),
        memory_available=memory.get("MemAvailable", 0),
        open_files=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        cgroup_version=version,
        cgroup_controllers=controllers,
        sysctls={name: _read(f"/proc/sys/{name.replace('.', '/')}") for name in _SYSCTLS},
        disks=list(_disks(config, engine)),
        engine=engine,
        engine_error=engine_error,
        missing_programs=[f"{each.name} ({each.package})" for each in host.missing()],
        nft_error=_nft_error(),
        networks=list(_networks()),
        cluster_networks=dict(_own_networks(config)),
        node_ip=config.node_ip,
        nameservers=_nameservers(),
        is_clock_synchronised=_is_clock_synchronised(),
        proxies=_proxies(environment),
        unproxied=[config.node_ip, config.service_cidr, config.cluster_cidr],
        taken_ports=list(_taken_ports(config)),
    )


def _read(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text().strip()
    return ""


def _memory() -> dict[str, int]:
    lines = (line.split() for line in _read("/proc/meminfo").splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}


def _cgroups() -> tuple[int, frozenset[str]]:
    """Version 1 lists its controllers for the whole machine, version 2 at its root."""
    unified = _read("/sys/fs/cgroup/cgroup.controllers")
    if unified:
        return 2, frozenset(unified.split())
    rows = (line.split() for line in _read("/proc/cgroups").splitlines() if not line.startswith("#"))
    enabled = frozenset(row[0] for row in rows if row[3] == "1")
    return (1, enabled) if Path("/sys/fs/cgroup/memory").is_dir() else (0, frozenset())


def _disks(config: ClusterConfig, engine: Engine | None) -> Iterator[Disk]:
    """Where etcd and pods write, and where images are; once if that is the same disk."""
    seen: set[int] = set()
    for path in (config.state_dir, Path(engine.root if engine else "/var/lib/docker")):
        there = next(each for each in (path, *path.parents) if each.exists())
        device = there.stat().st_dev
        if device not in seen:
            seen.add(device)
            status = os.statvfs(there)
            size = status.f_frsize
            yield Disk(
                str(path), status.f_bavail * size, status.f_blocks * size, status.f_favail, status.f_files
            )


def _engine() -> tuple[Engine | None, str]:
    try:
        told = _ask_engine("/info")
    except PermissionError:
        return None, FORBIDDEN
    except (OSError, ValueError) as error:
        return None, str(error)
    options = told.get("SecurityOptions") or ()
    return Engine(
        version=told.get("ServerVersion", ""),
        root=told.get("DockerRootDir", ""),
        storage_driver=told.get("Driver", ""),
        cgroup_driver=told.get("CgroupDriver", ""),
        limits_memory=bool(told.get("MemoryLimit", True)),
        is_rootless=any("rootless" in each for each in options),
    ), ""


def _ask_engine(path: str) -> Any:
    """HTTP/1.0: the answer ends with the connection."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(SOCKET)
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def _nft_error() -> str:
    nft = host.find("nft")
    if nft is None or os.geteuid() != 0:
        return ""
    done = subprocess.run([nft, "list", "tables"], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stderr.strip()


def _networks() -> Iterator[Network]:
    """The main routing table."""
    for line in _read("/proc/net/route").splitlines()[1:]:
        words = line.split()
        destination, mask = (socket.inet_ntoa(struct.pack("<L", int(words[at], 16))) for at in (1, 7))
        yield Network(words[0], IPv4Network(f"{destination}/{mask}"))


def _own_networks(config: ClusterConfig) -> Iterator[tuple[str, IPv4Network]]:
    for name, text in (("pods", config.cluster_cidr), ("Services", config.service_cidr)):
        network = ip_network(text)
        if isinstance(network, IPv4Network):
            yield name, network


def _nameservers() -> list[str]:
    lines = (line.split() for line in _read("/etc/resolv.conf").splitlines())
    return [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]


def _is_clock_synchronised() -> bool | None:
    """What the kernel was told by whoever disciplines its clock."""

    class Timex(ctypes.Structure):
        # All zero asks without setting anything; the rest of the structure is only room.
        _fields_ = [("modes", ctypes.c_uint), ("rest", ctypes.c_byte * 512)]

    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(Timex()))
    return None if state < 0 else state != _UNSYNCHRONISED


def _proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """Some programs read the lower-case names, some the others."""
    return {
        name: value
        for name in _PROXIES
        if (value := environment.get(name) or environment.get(name.lower()) or "")
    }


def _taken_ports(config: ClusterConfig) -> Iterator[TakenPort]:
    """While our own daemons run, the ports are theirs."""
    if launcher_of(config).is_running():
        return
    for unit in components(config, "etcd"):
        for address, port in unit.listens:
            if not ports.is_free(address, port):
                yield TakenPort(port, unit.name, ports.holder(port))
