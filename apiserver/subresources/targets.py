"""Where a request about a pod or node is to go: which container, which kubelet. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.errors import BadRequestError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import NODES

KUBELET_PORT = 10250


def choose_container(pod: Object, wanted: str) -> str:
    """The container that is meant. Raises BadRequestError in upstream's words."""
    spec, pod_name = pod["spec"], pod["metadata"]["name"]
    names, init, ephemeral = (
        [each["name"] for each in spec.get(key) or ()]
        for key in ("containers", "initContainers", "ephemeralContainers")
    )
    if wanted:
        if wanted not in (*names, *init, *ephemeral):
            raise BadRequestError(f"container {wanted} is not valid for pod {pod_name}")
        return wanted
    if len(names) == 1:
        return str(names[0])
    text = f"a container name must be specified for pod {pod_name}"
    if names:
        text += f", choose one of: [{' '.join(names)}]"
    if init:
        text += f" or one of the init containers: [{' '.join(init)}]"
    if ephemeral:
        text += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
    raise BadRequestError(text)


def host_of(pod: Object) -> str:
    """The node that a pod is bound to; empty before it is."""
    return str(pod["spec"].get("nodeName") or "")


def kubelet_address(node: Object, preferred: Sequence[str]) -> tuple[str, int]:
    """The host and port of a node's kubelet. Raises BadRequestError if the node tells no address."""
    addresses = {each["type"]: each["address"] for each in reversed(get_path(node, "status.addresses") or [])}
    host = next((addresses[kind] for kind in preferred if addresses.get(kind)), "")
    if not host:
        name = node["metadata"]["name"]
        raise BadRequestError(f'no preferred addresses found; known addresses: [] of {NODES.kind} "{name}"')
    return host, get_path(node, "status.daemonEndpoints.kubeletEndpoint.Port") or KUBELET_PORT


def split_proxy_name(name: str, kind: str) -> tuple[str, str, str]:
    """`[scheme:]name[:port]` of a proxied pod, service or node. Raises BadRequestError."""
    parts = name.split(":")
    match len(parts):
        case 1:
            scheme, host, port = "", parts[0], ""
        case 2:
            scheme, host, port = "", parts[0], parts[1]
        case 3:
            scheme, host, port = parts
        case _:
            host, scheme, port = "", "", ""
    if not host or scheme not in ("", "http", "https"):
        raise BadRequestError(f'invalid {kind} request "{name}"')
    return scheme, host, port


def authority(host: str, port: int | str) -> str:
    """`10.0.0.1:10250`, with brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
