"""The names of chains, maps and sets: upstream's, so that what people know from there is found here."""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256

from kube_proxy.services import ServicePortName

TABLE = "kube-proxy"

SERVICES_CHAIN = "services"
SERVICE_IPS_MAP, SERVICE_NODE_PORTS_MAP = "service-ips", "service-nodeports"
NODE_PORT_IPS_SET = "nodeport-ips"
ENDPOINTS_CHECK_CHAIN = "service-endpoints-check"
NODE_PORT_ENDPOINTS_CHECK_CHAIN = "nodeport-endpoints-check"
NO_ENDPOINT_SERVICES_MAP, NO_ENDPOINT_NODE_PORTS_MAP = "no-endpoint-services", "no-endpoint-nodeports"
REJECT_CHAIN = "reject-chain"
FIREWALL_CHECK_CHAIN, FIREWALL_IPS_MAP = "firewall-check", "firewall-ips"
CLUSTER_IPS_CHECK_CHAIN, CLUSTER_IPS_SET = "cluster-ips-check", "cluster-ips"
MARK_CHAIN, MASQUERADING_CHAIN = "mark-for-masquerade", "masquerading"

_MAX_LENGTH = 240


@lru_cache(maxsize=8192)
def service_base(name: ServicePortName) -> str:
    return _hashed(f"{name.namespace}/{name.name}/{name.protocol.lower()}/{name.port}")


@lru_cache(maxsize=16384)
def endpoint_base(name: ServicePortName, ip: str, port: int) -> str:
    service = f"{name.namespace}/{name.name}/{name.protocol.lower()}/{name.port}"
    return _hashed(f"{service}__{ip.replace(':', '.')}/{port}")


def _hashed(name: str) -> str:
    """With a hash in front: unique when cut, and easy to tell from its neighbours."""
    digest = b32encode(sha256(name.encode()).digest()).decode()
    full = f"{digest[:8]}-{name}"
    return full if len(full) <= _MAX_LENGTH else f"{full[: _MAX_LENGTH - 3]}..."


def is_service_chain(chain: str) -> bool:
    """Whether a chain belongs to a service or an endpoint: only their names have slashes."""
    return "/" in chain


def is_affinity_set(name: str) -> bool:
    return name.startswith("affinity-")
