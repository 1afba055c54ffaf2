"""The way to the kubelets: their addresses from the Node objects, our certificate to show them."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from apimachinery.errors import InternalError, NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import NODES, PODS
from apiserver.asgi import Receive, Scope, Send
from apiserver.options import Options
from apiserver.request import RequestInfo
from apiserver.responses import send_bytes
from apiserver.storage.cached import FreshLookup
from apiserver.subresources.relay import DialError, Refused, Relay
from apiserver.subresources.targets import authority, kubelet_address

Query = Sequence[tuple[str, str]]


class Kubelets:
    """Finds pods and nodes, and passes requests on to kubelets."""

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

    async def forward(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send, url: str) -> None:
        """The request as it is; a kubelet that is not there, or refuses, becomes an answer."""
        try:
            await self.relay.forward(info, scope, receive, send, url)
        except DialError as error:
            raise InternalError(f"error dialing backend: {error}") from None
        except Refused as refusal:
            content_type = refusal.content_type.encode() or b"text/plain"
            await send_bytes(send, refusal.status, refusal.text.encode(), content_type)


class Backends:
    """The connections that this process makes: to kubelets, and to pods, whose certificates nobody knows."""

    def __init__(self, options: Options) -> None:
        self.kubelets = Relay(kubelet_tls(options))
        self.pods = Relay(False)

    async def aclose(self) -> None:
        await self.kubelets.aclose()
        await self.pods.aclose()


def kubelet_tls(options: Options) -> ssl.SSLContext | bool:
    """Trusts the kubelets' CA and shows our certificate; without a CA nothing is verified, as upstream."""
    context = ssl.create_default_context(cafile=options.kubelet_certificate_authority or None)
    if not options.kubelet_certificate_authority:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.kubelet_client_certificate:
        context.load_cert_chain(options.kubelet_client_certificate, options.kubelet_client_key)
    return context
