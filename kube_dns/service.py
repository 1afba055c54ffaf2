"""The Service kube-system/kube-dns, and the EndpointSlice in which a daemon says where it listens: pure.

The Service leads to our daemons as long as it has no selector. With one it belongs to somebody else's DNS,
CoreDNS's stock manifest for example, and our slices go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apimachinery.objects import NamespacedName, Object, get_path, is_terminating, labels_of, owner_reference
from apimachinery.well_known import SERVICE_NAME, SLICE_MANAGED_BY

KUBE_DNS = NamespacedName("kube-system", "kube-dns")
MANAGER = "sampan-dns"

METRICS = "metrics"
PORTS = (("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), (METRICS, 9153, "TCP"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where one daemon listens."""

    node: str
    address: str
    port: int
    metrics_port: int

    def port_of(self, name: str) -> int:
        return self.metrics_port if name == METRICS else self.port

    @property
    def slice_key(self) -> NamespacedName:
        return NamespacedName(KUBE_DNS.namespace, f"{KUBE_DNS.name}-{self.node}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written, if anything."""

    create_service: bool = False
    create_slice: Object | None = None
    update_slice: Object | None = None
    delete_slice: bool = False


def plan(service: Object | None, seen: Object | None, place: Place) -> Plan:
    """`seen` is the daemon's own slice as it is now."""
    if service is None:
        return Plan(create_service=True)
    if get_path(service, "spec.selector") or is_terminating(service):
        return Plan(delete_slice=seen is not None)
    wanted = new_slice(service, place)
    if seen is None:
        return Plan(create_slice=wanted)
    return Plan() if _says_the_same(seen, wanted) else Plan(update_slice=_changed(seen, wanted))


def new_service(cluster_ip: str) -> Object:
    """As kubeadm makes it, but for the selector."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": KUBE_DNS.name,
            "namespace": KUBE_DNS.namespace,
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
            "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
        },
        "spec": {
            "clusterIP": cluster_ip,
            "ports": [
                {"name": name, "port": port, "protocol": protocol, "targetPort": port}
                for name, port, protocol in PORTS
            ],
        },
    }


def new_slice(service: Object, place: Place) -> Object:
    """The Service's, so that it goes with it."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": place.slice_key.name,
            "namespace": KUBE_DNS.namespace,
            "labels": {
                **labels_of(service),
                SERVICE_NAME: KUBE_DNS.name,
                SLICE_MANAGED_BY: MANAGER,
            },
            "ownerReferences": [owner_reference({"apiVersion": "v1", "kind": "Service", **service})],
        },
        "addressType": "IPv6" if ":" in place.address else "IPv4",
        "endpoints": [
            {
                "addresses": [place.address],
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "nodeName": place.node,
            }
        ],
        "ports": [
            {"name": name, "port": place.port_of(name), "protocol": protocol}
            for name, _, protocol in PORTS
            if place.port_of(name)
        ],
    }


_FIELDS = ("endpoints", "ports")
_METADATA = ("labels", "ownerReferences")


def _says_the_same(seen: Object, wanted: Object) -> bool:
    return all(seen.get(field) == wanted[field] for field in _FIELDS) and all(
        seen["metadata"].get(field) == wanted["metadata"][field] for field in _METADATA
    )


def _changed(seen: Object, wanted: Object) -> dict[str, Any]:
    metadata = {**seen["metadata"], **{field: wanted["metadata"][field] for field in _METADATA}}
    return {**wanted, "metadata": metadata}
