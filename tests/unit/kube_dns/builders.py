"""The smallest zone that has everything in it, and what is needed to ask it.

Addresses: cluster IPs 10.96.0.x, pods 10.244.0.x. The namespace `shop` is where things are; `empty` has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from apimachinery.objects import NamespacedName, Object, key_of
from client.store import ObjectStore
from kube_dns.zone import SERVICE_INDEXERS, SLICE_INDEXERS, Zone

KUBE_DNS = NamespacedName("kube-system", "kube-dns")
HTTP = {"name": "http", "port": 80, "protocol": "TCP"}


def make_service(name: str, *ips: str, namespace: str = "shop", **spec: Any) -> Object:
    """Headless if its address is None."""
    given = {"clusterIP": ips[0], "clusterIPs": list(ips)} if ips else {}
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"type": "ClusterIP", "ports": [HTTP], **given, **spec},
    }


def make_alias(name: str, target: str) -> Object:
    return make_service(name, type="ExternalName", externalName=target, ports=None)


def make_endpoint(*addresses: str, hostname: str = "", **conditions: bool) -> Object:
    own = {"hostname": hostname} if hostname else {}
    return {"addresses": list(addresses), "conditions": conditions, **own}


def make_slice(service: str, *endpoints: Object, name: str = "", ports: Iterable[Object] = (HTTP,)) -> Object:
    return {
        "metadata": {
            "name": name or f"{service}-1",
            "namespace": "shop",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": list(ports),
        "endpoints": list(endpoints),
    }


def make_zone(
    services: Iterable[Object] = (),
    slices: Iterable[Object] = (),
    namespaces: Iterable[str] = ("shop", "empty", "kube-system"),
) -> Zone:
    stores = ObjectStore(SERVICE_INDEXERS), ObjectStore(SLICE_INDEXERS), ObjectStore({})
    named = [{"metadata": {"name": each}} for each in namespaces]
    for store, objects in zip(stores, (services, slices, named), strict=True):
        for each in objects:
            store.set(key_of(each), each)
    zone = Zone("cluster.local", *stores, dns=KUBE_DNS, ttl=30)
    zone.is_synced = True
    zone.serial = 7
    return zone
