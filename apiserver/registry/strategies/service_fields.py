"""What a Service's fields mean together: which type needs which, and what an update carries over."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.registry.strategies.checks import same
from apiserver.registry.strategies.podspec.defaults import fill, fill_absent

HEADLESS = "None"
_LOCAL = "Local"


def is_headless(spec: Object) -> bool:
    return spec.get("clusterIPs") == [HEADLESS]


def needs_cluster_ip(spec: Object) -> bool:
    return spec.get("type") in ("ClusterIP", "NodePort", "LoadBalancer")


def may_have_node_ports(spec: Object) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def wants_node_ports(spec: Object) -> bool:
    """Whether ports that name no nodePort get one."""
    if spec.get("type") == "LoadBalancer":
        return spec.get("allocateLoadBalancerNodePorts") is not False
    return spec.get("type") == "NodePort"


def needs_health_check(spec: Object) -> bool:
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == _LOCAL


def is_externally_accessible(spec: Object) -> bool:
    return may_have_node_ports(spec) or (spec.get("type") == "ClusterIP" and bool(spec.get("externalIPs")))


def node_ports(spec: Object) -> list[int]:
    return [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]


def default_service(service: Object) -> None:
    spec = service.setdefault("spec", {})
    fill(spec, {"sessionAffinity": "None", "type": "ClusterIP"})
    _default_affinity(spec)
    for port in spec.get("ports") or ():
        fill(port, {"protocol": "TCP", "targetPort": port.get("port") or 0})
    if is_externally_accessible(spec):
        fill(spec, {"externalTrafficPolicy": "Cluster"})
    if needs_cluster_ip(spec):
        fill_absent(spec, {"internalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        fill_absent(spec, {"allocateLoadBalancerNodePorts": True})
        for ingress in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
            if ingress.get("ip"):
                fill_absent(ingress, {"ipMode": "VIP"})


def _default_affinity(spec: Object) -> None:
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client_ip = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client_ip.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}


def normalize_cluster_ips(new: Object, old: Object | None) -> None:
    """clusterIP and clusterIPs[0] are one value with two names; whoever sets one of them means both."""
    ip, ips = new.get("clusterIP") or "", new.get("clusterIPs") or []
    if old is None:
        if ip and not ips:
            new["clusterIPs"] = [ip]
        return
    old_ip, old_ips = old.get("clusterIP") or "", old.get("clusterIPs") or []
    if ip != old_ip:
        if not ip and old_ip:
            if ips == old_ips:
                new["clusterIPs"] = []
        elif ips == old_ips:
            new["clusterIPs"] = [ip]
    elif ips != old_ips and not ips:
        new["clusterIP"] = ""


def carry_over_allocated(new: Object, old: Object) -> None:
    """A PUT that doesn't repeat what the server gave keeps it."""
    if needs_cluster_ip(old) and needs_cluster_ip(new):
        if not new.get("clusterIP"):
            new["clusterIP"] = old.get("clusterIP") or ""
        if not new.get("clusterIPs") and new["clusterIP"] == (old.get("clusterIP") or ""):
            new["clusterIPs"] = list(old.get("clusterIPs") or ())
    if may_have_node_ports(old) and may_have_node_ports(new):
        _carry_over_node_ports(new, old)
    if needs_health_check(old) and needs_health_check(new) and not new.get("healthCheckNodePort"):
        new["healthCheckNodePort"] = old.get("healthCheckNodePort")


def _carry_over_node_ports(new: Object, old: Object) -> None:
    """By the port's name; a number that another port uses now is not given back."""
    used = set(node_ports(new)) & set(node_ports(old))
    by_name = {port.get("name") or "": port.get("nodePort") for port in old.get("ports") or ()}
    for port in new.get("ports") or ():
        before = by_name.get(port.get("name") or "")
        if not port.get("nodePort") and before and before not in used:
            port["nodePort"] = before


def drop_fields_of_old_type(new: Object, old: Object) -> None:
    """A change of type takes along what the new type can't have, where the user left it untouched."""
    if needs_cluster_ip(old) and not needs_cluster_ip(new):
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if same(new.get(field), old.get(field)):
                new.pop(field, None)
    lost = may_have_node_ports(old) and not may_have_node_ports(new)
    if lost and set(node_ports(new)) <= set(node_ports(old)):
        for port in new.get("ports") or ():
            port.pop("nodePort", None)
    for field, needed in (
        ("healthCheckNodePort", needs_health_check),
        ("externalTrafficPolicy", is_externally_accessible),
        ("allocateLoadBalancerNodePorts", _is_load_balancer),
        ("loadBalancerClass", _is_load_balancer),
    ):
        if needed(old) and not needed(new) and same(new.get(field), old.get(field)):
            new.pop(field, None)


def _is_load_balancer(spec: Object) -> bool:
    return bool(spec.get("type") == "LoadBalancer")
