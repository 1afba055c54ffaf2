"""The way to the kubelets: their addresses from the Node objects, our certificate to show them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import NODES, PODS
from apiserver.options import Options
from apiserver.request import RequestInfo
from apiserver.storage.cached import FreshLookup
from apiserver.subresources.relay import Relay
from apiserver.subresources.targets import authority, kubelet_address
from component_base.certificates import client_context

Query = Sequence[tuple[str, str]]


class Kubelets:
    """Finds pods, and the kubelets of their nodes."""

    def __init__(self, lookup: FreshLookup, relay: Relay, preferred: Sequence[str]) -> None:
        self._lookup = lookup
        self._preferred = preferred
        self.relay = relay

    async def pod(self, info: RequestInfo) -> Object:
        """The pod that a request names, as it is now."""
        pod = await self._lookup(PODS, info.namespace, info.name)
        if pod is None:
            raise NotFoundError(PODS, info.name)
        return pod

    async def url(self, node_name: str, path: str, query: Query = ()) -> str:
        """A URL on a node's kubelet."""
        node = await self._lookup(NODES, "", node_name)
        if node is None:
            raise NotFoundError(NODES, node_name)
        host, port = kubelet_address(node, self._preferred)
        tail = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return f"https://{authority(host, port)}{path}{tail}"


class Backends:
    """The connections that this process makes: to kubelets, and to pods, whose certificates nobody knows."""

    def __init__(self, options: Options) -> None:
        self.kubelets = Relay(kubelet_tls(options))
        self.unverified_kubelets = Relay(kubelet_tls(options, verify=False))
        """For those who ask for the log of a pod whatever its kubelet's certificate says."""
        self.pods = Relay(False)

    async def aclose(self) -> None:
        for relay in (self.kubelets, self.unverified_kubelets, self.pods):
            await relay.aclose()


def kubelet_tls(options: Options, *, verify: bool = True) -> ssl.SSLContext:
    """Trusts the kubelets' CA and shows our certificate; without a CA nothing is verified, as upstream."""
    if options.kubelet_certificate_authority and verify:
        context = client_context(ca_file=options.kubelet_certificate_authority)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.kubelet_client_certificate:
        context.load_cert_chain(options.kubelet_client_certificate, options.kubelet_client_key)
    return context
