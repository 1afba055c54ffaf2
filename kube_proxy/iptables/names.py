"""The names of chains: upstream's, so that what people know from there is found here.

In a Ruleset a chain's name has its table in front: "nat KUBE-SERVICES".
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256

from kube_proxy.port_plan import Policy
from kube_proxy.services import ServicePortName

FILTER, NAT, MANGLE = TABLES = ("filter", "nat", "mangle")

SERVICES, NODE_PORTS = "KUBE-SERVICES", "KUBE-NODEPORTS"
EXTERNAL_SERVICES, PROXY_FIREWALL = "KUBE-EXTERNAL-SERVICES", "KUBE-PROXY-FIREWALL"
FORWARD, FIREWALL = "KUBE-FORWARD", "KUBE-FIREWALL"
MARK, POSTROUTING = "KUBE-MARK-MASQ", "KUBE-POSTROUTING"
CANARY, KUBELET_CANARY = "KUBE-PROXY-CANARY", "KUBE-KUBELET-CANARY"

POLICY_PREFIXES = {Policy.CLUSTER: "KUBE-SVC-", Policy.LOCAL: "KUBE-SVL-"}
EXTERNAL_PREFIX, LOAD_BALANCER_PREFIX, ENDPOINT_PREFIX = "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-"
_OWN_PREFIXES = (*POLICY_PREFIXES.values(), EXTERNAL_PREFIX, LOAD_BALANCER_PREFIX, ENDPOINT_PREFIX)
_OWN_CHAINS = frozenset(
    (SERVICES, NODE_PORTS, EXTERNAL_SERVICES, PROXY_FIREWALL, FORWARD, MARK, POSTROUTING, CANARY)
)


@lru_cache(maxsize=8192)
def service_hash(name: ServicePortName) -> str:
    return _hashed(f"{name}{name.protocol.lower()}")


@lru_cache(maxsize=16384)
def endpoint_chain(name: ServicePortName, address: str) -> str:
    return ENDPOINT_PREFIX + _hashed(f"{name}{name.protocol.lower()}{address}")


def _hashed(text: str) -> str:
    """iptables allows a chain 28 characters, which leaves no room for names that people can read."""
    return b32encode(sha256(text.encode()).digest()).decode()[:16]


def is_service_chain(chain: str) -> bool:
    """Whether a chain belongs to a service or an endpoint."""
    return chain.startswith(_OWN_PREFIXES)


def is_own_chain(chain: str) -> bool:
    """Whether kube-proxy makes it. KUBE-FIREWALL, which it fills too, is upstream's kubelet's."""
    return chain in _OWN_CHAINS or is_service_chain(chain)
