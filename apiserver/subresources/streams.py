"""pods/exec, pods/attach and pods/portforward: checked here, then a tunnel to the kubelet.

Source: pkg/registry/core/pod/strategy.go (streamLocation, PortForwardLocation) of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.errors import BadRequestError
from apimachinery.scheme import PODS
from apiserver.admission.chain import Chain
from apiserver.asgi import Receive, Scope, Send
from apiserver.request import RequestInfo, is_set
from apiserver.subresources.connecting import admit_connect
from apiserver.subresources.kubelets import Kubelets
from apiserver.subresources.relay import tunnel_or_answer
from apiserver.subresources.targets import choose_container, host_of
from component_base.tunnel import UPGRADE

_STREAMS = (("stdin", "input"), ("stdout", "output"), ("stderr", "error"), ("tty", "tty"))
"""The API's names of the streams, and the kubelet's."""


class PodStreams:
    """One handler for the three subresources."""

    def __init__(self, kubelets: Kubelets, chain: Chain) -> None:
        self._kubelets = kubelets
        self._chain = chain

    async def __call__(self, info: RequestInfo, scope: Scope, receive: Receive, send: Send) -> None:
        pod = await self._kubelets.pod(info)
        path, query = f"{info.namespace}/{info.name}", _ports(info.query)
        if info.subresource != "portforward":
            container = choose_container(pod, info.first("container"))
            path, query = f"{path}/{container}", stream_query(info.query)
        node = host_of(pod)
        if not node:
            raise BadRequestError(f"pod {info.name} does not have a host assigned")
        await admit_connect(self._chain, info, PODS)
        if UPGRADE not in scope["extensions"]:
            raise BadRequestError("Upgrade request required")
        name = "portForward" if info.subresource == "portforward" else info.subresource
        url = await self._kubelets.url(node, f"/{name}/{path}", query)
        await tunnel_or_answer(self._kubelets.relay, info, scope, send, url)


def stream_query(query: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """What the kubelet is asked to attach, and to run."""
    streams = [(theirs, "1") for ours, theirs in _STREAMS if is_set(query, ours)]
    return [*streams, *(("command", each) for each in query.get("command", ()))]


def _ports(query: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    return [("port", port) for value in query.get("ports", ()) for port in value.split(",")]
