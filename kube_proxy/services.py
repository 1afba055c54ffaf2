"""ServicePort: what a port of a Service asks of a node, parsed once from the Service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of

# Services of another proxy, and headless ones made by hand, are left alone.
PROXY_NAME_LABEL = "service.kubernetes.io/service-proxy-name"
DEFAULT_AFFINITY_SECONDS = 10800


class ServicePortName(NamedTuple):
    """The name of a service port; of several with one name the protocol tells."""

    namespace: str
    name: str
    port: str
    protocol: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port, for one IP family."""

    name: ServicePortName
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    load_balancer_ips: tuple[str, ...] = ()
    source_ranges: tuple[str, ...] = ()
    is_internal_local: bool = False
    is_external_local: bool = False
    affinity_seconds: int = 0  # 0: every connection goes anywhere
    health_check_node_port: int = 0

    @property
    def protocol(self) -> str:
        return self.name.protocol.lower()

    @property
    def is_externally_accessible(self) -> bool:
        return bool(self.node_port or self.external_ips or self.load_balancer_ips)

    @property
    def uses_cluster_endpoints(self) -> bool:
        """External traffic needs them even with a local policy: what comes from here may go anywhere."""
        return not self.is_internal_local or self.is_externally_accessible

    @property
    def uses_local_endpoints(self) -> bool:
        return self.is_internal_local or (self.is_external_local and self.is_externally_accessible)


def parse_service(service: Object, family: int = 4) -> list[ServicePort]:
    """The ports that this proxy is to serve; none of a headless or external one."""
    spec = service["spec"]
    cluster_ip = next(iter(_of_family(_cluster_ips(spec), family)), "")
    if spec.get("type") == "ExternalName" or not cluster_ip or PROXY_NAME_LABEL in labels_of(service):
        return []
    is_external = spec.get("externalTrafficPolicy") == "Local"
    affinity = get_path(spec, "sessionAffinityConfig.clientIP.timeoutSeconds", DEFAULT_AFFINITY_SECONDS)
    return [
        ServicePort(
            name=ServicePortName(
                namespace_of(service), name_of(service), port.get("name") or "", port.get("protocol") or "TCP"
            ),
            cluster_ip=cluster_ip,
            port=port["port"],
            node_port=port.get("nodePort") or 0,
            external_ips=tuple(_of_family(spec.get("externalIPs") or (), family)),
            load_balancer_ips=tuple(_of_family(_load_balancer_ips(service), family)),
            source_ranges=tuple(_ranges_of_family(spec.get("loadBalancerSourceRanges") or (), family)),
            is_internal_local=spec.get("internalTrafficPolicy") == "Local",
            is_external_local=is_external,
            affinity_seconds=affinity if spec.get("sessionAffinity") == "ClientIP" else 0,
            health_check_node_port=(spec.get("healthCheckNodePort") or 0) if is_external else 0,
        )
        for port in spec.get("ports") or ()
    ]


def _cluster_ips(spec: Object) -> list[str]:
    found = spec.get("clusterIPs") or [spec.get("clusterIP") or ""]
    return [ip for ip in found if ip and ip != "None"]


def _load_balancer_ips(service: Object) -> list[str]:
    """Addresses that arrive here unchanged; behind a proxying load balancer they don't."""
    ingress = get_path(service, "status.loadBalancer.ingress", [])
    return [each["ip"] for each in ingress if each.get("ip") and each.get("ipMode") != "Proxy"]


def _of_family(addresses: Iterable[str], family: int) -> list[str]:
    return [each for each in addresses if ip_address(each).version == family]


def _ranges_of_family(ranges: Iterable[str], family: int) -> list[str]:
    """Without host bits, which nft and iptables would read differently."""
    parsed = (ip_network(each.strip(), strict=False) for each in ranges)
    return [str(each) for each in parsed if each.version == family]
