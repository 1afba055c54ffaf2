"""nodes/proxy, pods/proxy and services/proxy: HTTP through the apiserver to what is behind it.

Source: pkg/registry/core/{node,pod,service}/storage and strategy.go (ResourceLocation) of Kubernetes 1.34.
"""

from __future__ import annotations

import random
from urllib.parse import quote

from apimachinery.errors import BadRequestError, NotFoundError, ServiceUnavailableError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import ENDPOINTS, NODES, PODS, SERVICES
from apiserver.asgi import Receive, Scope, Send
from apiserver.request import RequestInfo
from apiserver.storage.cached import FreshLookup
from apiserver.subresources.kubelets import Kubelets
from apiserver.subresources.relay import DialError, Relay
from apiserver.subresources.targets import KUBELET_PORT, authority, kubelet_address, split_proxy_name


class Proxy:
    """One handler for the three resources. `relay` goes to pods, whose certificates nobody vouches for."""

    def __init__(
        self, kubelets: Kubelets, relay: Relay, lookup: FreshLookup, preferred: tuple[str, ...],
        randomness: random.Random,
    ) -> None:  # fmt: skip
        self._kubelets = kubelets
        self._relay = relay
        self._lookup = lookup
        self._preferred = preferred
        self._randomness = randomness

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        path = proxied_path(scope, info)
        if not path and info.method in ("GET", "HEAD"):
            return await _redirect(scope, send)
        base = await self._base(info)
        tail = scope["query_string"].decode("latin-1")
        url = f"{base}{path or '/'}{'?' + tail if tail else ''}"
        if info.plural == "nodes":
            return await self._kubelets.forward(info, scope, receive, send, url)
        try:
            await self._relay.forward(info, scope, receive, send, url)
        except DialError as error:
            raise ServiceUnavailableError(f"error trying to reach service: {error}") from None

    async def _base(self, info: RequestInfo) -> str:
        scheme, name, port = split_proxy_name(info.name)
        match info.plural:
            case "nodes":
                return await self._node(scheme, name, port)
            case "pods":
                return await self._pod(scheme, info.namespace, name, port)
            case _:
                return await self._service(scheme, info.namespace, name, port)

    async def _node(self, scheme: str, name: str, port: str) -> str:
        node = await self._lookup(NODES, "", name)
        if node is None:
            raise NotFoundError(NODES, name)
        host, kubelet_port = kubelet_address(node, self._preferred)
        if port in ("", str(KUBELET_PORT), str(kubelet_port)):
            return f"https://{authority(host, kubelet_port)}"
        return f"{scheme or 'http'}://{authority(host, port)}"

    async def _pod(self, scheme: str, namespace: str, name: str, port: str) -> str:
        pod = await self._lookup(PODS, namespace, name)
        if pod is None:
            raise NotFoundError(PODS, name)
        address = get_path(pod, "status.podIP")
        if not address:
            raise BadRequestError("address not allowed")
        port = port or _first_port(pod)
        return f"{scheme or 'http'}://{authority(address, port) if port else address}"

    async def _service(self, scheme: str, namespace: str, name: str, port: str) -> str:
        service = await self._lookup(SERVICES, namespace, name)
        if service is None:
            raise NotFoundError(SERVICES, name)
        found = await self._lookup(ENDPOINTS, namespace, name)
        if found is None:
            raise NotFoundError(ENDPOINTS, name)
        targets = service_targets(service, found, port)
        if not targets:
            raise ServiceUnavailableError(f'no endpoints available for service "{name}"')
        return f"{scheme or 'http'}://{self._randomness.choice(targets)}"


def service_targets(service: Object, endpoints: Object, port: str) -> list[str]:
    """host:port of everything that is ready behind a service's port, named or numbered."""
    ports = get_path(service, "spec.ports") or []
    if port.isdigit():
        chosen = next((each for each in ports if each["port"] == int(port)), None)
        if chosen is None:
            raise ServiceUnavailableError(
                f'no service port {port} found for service "{service["metadata"]["name"]}"'
            )
        port = chosen.get("name", "")
    return [
        authority(address["ip"], each["port"])
        for subset in endpoints.get("subsets") or ()
        for each in subset.get("ports") or ()
        if each.get("name", "") == port or (not port and len(ports) == 1)
        for address in subset.get("addresses") or ()
    ]


def _first_port(pod: Object) -> str:
    """The first port that a container tells of."""
    for container in pod["spec"].get("containers") or ():
        for port in container.get("ports") or ():
            if port.get("containerPort"):
                return str(port["containerPort"])
    return ""


def proxied_path(scope: Scope, info: RequestInfo) -> str:
    """What follows `/proxy`, escaped as the client wrote it; empty without a slash."""
    raw: str = scope["raw_path"].decode("latin-1")
    marker = f"/{quote(info.name, safe=':')}/proxy"
    start = raw.find(marker)
    if start < 0:
        marker = f"/{info.name}/proxy"
        start = raw.find(marker)
    return raw[start + len(marker) :] if start >= 0 else f"/{info.trailing}"


async def _redirect(scope: Scope, send: Send) -> None:
    """To the same with a slash at the end, so that relative links work."""
    query = scope["query_string"]
    location = scope["raw_path"] + b"/" + (b"?" + query if query else b"")
    headers = [(b"location", location), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 301, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
