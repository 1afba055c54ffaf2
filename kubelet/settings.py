"""What pods on a node are made with.

Facts of the node, and the parts of the configuration that concern pods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from component_base.features import FeatureGates
from component_base.resolv_conf import ResolvConf


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """A node as its pods need to know it."""

    name: str
    addresses: tuple[str, ...]
    """Internal addresses, the first is the pods' hostIP."""
    allocatable: Mapping[str, str] = field(default_factory=dict)
    memory_capacity: int = 0


@dataclass(frozen=True, slots=True)
class PodSettings:
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = "cluster.local"
    host_dns: Callable[[], ResolvConf] = ResolvConf
    """Read anew for each pod: the node's resolvers may change."""
    pids_limit: int = 0
    cpu_quota: bool = True
    seccomp_default: bool = False
    seccomp_root: str = "/var/lib/kubelet/seccomp"
    has_apparmor: bool = True
    allowed_unsafe_sysctls: tuple[str, ...] = ()
    concurrent_starts: int = 4
    first_restart: float = 10.0
    longest_restart: float = 300.0
    """How long a container that ends again and again waits for its restart, at first and at last."""
    resync_seconds: float = 60.0
    """After so long a pod is looked at though nothing happened."""
    gates: FeatureGates = field(default_factory=FeatureGates)
