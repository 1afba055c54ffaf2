"""What Services are given, with upstream's names.

Source: pkg/registry/core/service/ipallocator/metrics.go and portallocator/metrics.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Literal

from apiserver.registry.allocators import AllocationError
from component_base.metrics import DEFAULT_BUCKETS, Counter, Gauge, Histogram

Scope = Literal["static", "dynamic"]
"""Whether a Service says which it wants."""

_IPS, _PORTS = "kube_apiserver_clusterip_allocator", "kube_apiserver_nodeport_allocator"
_OF_IPS = ["cidr", "scope"]

_IP_ALLOCATIONS = Counter(f"{_IPS}_allocation_total", "Number of Cluster IPs allocations", _OF_IPS)
_IP_ERRORS = Counter(
    f"{_IPS}_allocation_errors_total", "Number of errors trying to allocate Cluster IPs", _OF_IPS
)
_IP_SECONDS = Histogram(
    f"{_IPS}_allocation_duration_seconds",
    "Duration in seconds to allocate a Cluster IP by ServiceCIDR",
    ["cidr"],
    buckets=DEFAULT_BUCKETS,
)
_PORT_ALLOCATIONS = Counter(f"{_PORTS}_allocation_total", "Number of NodePort allocations", ["scope"])
_PORT_ERRORS = Counter(
    f"{_PORTS}_allocation_errors_total", "Number of errors trying to allocate NodePort", ["scope"]
)
_ALLOCATED_PORTS = Gauge(
    f"{_PORTS}_allocated_ports", "Gauge measuring the number of allocated NodePorts for Services"
)
_AVAILABLE_PORTS = Gauge(
    f"{_PORTS}_available_ports", "Gauge measuring the number of available NodePorts for Services"
)


@contextmanager
def counted_ip(cidr: str, scope: Scope) -> Iterator[None]:
    """Counts and times the allocation of an address that its block makes, or the AllocationError."""
    began = perf_counter()
    try:
        yield
    except AllocationError:
        _IP_ERRORS.labels(cidr, scope).inc()
        raise
    _IP_ALLOCATIONS.labels(cidr, scope).inc()
    _IP_SECONDS.labels(cidr).observe(perf_counter() - began)


@contextmanager
def counted_port(scope: Scope) -> Iterator[None]:
    """Counts the allocation of a port that its block makes, or the AllocationError."""
    try:
        yield
    except AllocationError:
        _PORT_ERRORS.labels(scope).inc()
        raise
    _PORT_ALLOCATIONS.labels(scope).inc()


def tell_ports(allocated: int, size: int) -> None:
    """How many of a range are given out, whoever did it."""
    _ALLOCATED_PORTS.set(allocated)
    _AVAILABLE_PORTS.set(size - allocated)
