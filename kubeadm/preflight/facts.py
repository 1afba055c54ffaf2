"""What was seen of a machine. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network

MIB, GIB = 1 << 20, 1 << 30

FORBIDDEN = "only root may ask it"
"""As the engine's error: it may be well."""


@dataclass(frozen=True, slots=True)
class Disk:
    path: str
    free: int
    total: int
    free_inodes: int
    total_inodes: int


@dataclass(frozen=True, slots=True)
class Engine:
    """Docker, as it tells of itself."""

    version: str
    root: str
    storage_driver: str = ""
    cgroup_driver: str = ""
    limits_memory: bool = True
    is_rootless: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A network that the machine is in or has a route to."""

    interface: str
    cidr: IPv4Network


@dataclass(frozen=True, slots=True)
class TakenPort:
    port: int
    wanted_by: str
    holder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    kernel: str = "6.1.0"
    cpus: int = 2
    memory_total: int = 4 * GIB
    memory_available: int = 2 * GIB
    open_files: int = 1024 * 1024
    """How many files a process may have open."""
    cgroup_version: int = 2
    cgroup_controllers: frozenset[str] = frozenset(("cpu", "memory", "pids"))
    sysctls: Mapping[str, str] = field(default_factory=dict)
    disks: Sequence[Disk] = ()
    engine: Engine | None = None
    engine_error: str = ""
    missing_programs: Sequence[str] = ()
    """With what installs them."""
    nft_error: str = ""
    networks: Sequence[Network] = ()
    cluster_networks: Mapping[str, IPv4Network] = field(default_factory=dict)
    """The pods' and the Services', by name."""
    node_ip: str = ""
    nameservers: Sequence[str] = ()
    is_clock_synchronised: bool | None = None
    proxies: Mapping[str, str] = field(default_factory=dict)
    """HTTP_PROXY and its like, upper case."""
    unproxied: Sequence[str] = ()
    """What must not go through a proxy: the API server's host and the cluster's networks."""
    taken_ports: Sequence[TakenPort] = ()
