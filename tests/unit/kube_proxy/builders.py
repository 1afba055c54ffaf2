"""The smallest Services and EndpointSlices that are one.

Addresses: cluster IPs 172.30.0.x, pods 10.180.0.x (this node) and 10.180.1.x (others), node 192.168.0.2.
"""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from kube_proxy.backends import NFTABLES, Backend
from kube_proxy.context import Context, PodTraffic
from kube_proxy.ruleset import Ruleset
from kube_proxy.state import State

NODE, NODE_IP = "here", "192.168.0.2"
CONTEXT = Context(
    node=NODE,
    node_ips=(NODE_IP,),
    node_port_ips=(NODE_IP,),
    pods=PodTraffic("source", "10.0.0.0/8"),
    service_cidrs=("172.30.0.0/16",),
)


def make_service(
    name: str, ip: str, *, port: int = 80, protocol: str = "TCP", port_name: str = "p80", **spec: Any
) -> Object:
    node_port, status = spec.pop("node_port", 0), spec.pop("status", {})
    ports = [{"name": port_name, "port": port, "protocol": protocol}]
    if node_port:
        ports[0]["nodePort"] = node_port
    return {
        "metadata": {"name": name, "namespace": "ns"},
        "spec": {"clusterIP": ip, "clusterIPs": [ip], "ports": ports, "type": "ClusterIP", **spec},
        "status": status,
    }


def make_endpoint(ip: str, **conditions: bool) -> Object:
    """On this node if it is in 10.180.0.0/24."""
    node = NODE if ip.startswith("10.180.0.") else "there"
    return {"addresses": [ip], "nodeName": node, "conditions": {"ready": True, **conditions}}


def make_slice(
    service: str,
    *endpoints: Object,
    name: str = "",
    port: int = 80,
    protocol: str = "TCP",
    port_name: str = "p80",
) -> Object:
    return {
        "metadata": {
            "name": name or f"{service}-1",
            "namespace": "ns",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": port_name, "port": port, "protocol": protocol}],
        "endpoints": list(endpoints),
    }


def make_state(
    services: list[Object], slices: list[Object], context: Context = CONTEXT, backend: Backend = NFTABLES
) -> State:
    state = State(context, backend)
    for each in services:
        state.service(None, each)
    for each in slices:
        state.endpoint_slice(None, each)
    return state


def ruleset_of(
    services: list[Object], slices: list[Object], context: Context = CONTEXT, backend: Backend = NFTABLES
) -> Ruleset:
    return make_state(services, slices, context, backend).plan()
