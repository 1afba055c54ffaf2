"""/portForward: switch protocols, then join whatever the client connects."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from apimachinery.objects import uid_of
from component_base.websocket import WebSocketTunnel
from kubelet.kubelet import Kubelet
from kubelet.pods.seen import newest_sandbox
from kubelet.server.containers import pod_named
from kubelet.server.portforward import spdy, websocket
from kubelet.server.portforward.forward import Forward, forward_into
from kubelet.server.refused import Refused
from kubelet.server.upgrade import (
    TUNNELLED,
    accept_websocket,
    is_websocket,
    offered_websocket,
    running,
    serve_upgrade,
    spdy_connection,
)


class PortForwardEndpoint:
    def __init__(self, kubelet: Kubelet, idle_seconds: float) -> None:
        self._kubelet = kubelet
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_upgrade(self._serve, self._idle_seconds, scope, receive, send)

    async def _serve(self, request: Request) -> None:
        forward = forward_into(self._kubelet.runtime, await self._sandbox(request))
        if not is_websocket(request):
            async with spdy_connection(request, [spdy.PROTOCOL]) as (connection, _):
                await spdy.forward_streams(connection, forward)
        elif any(each.startswith(TUNNELLED) for each in offered_websocket(request)):
            tunnel = WebSocketTunnel(accept_websocket(request, [TUNNELLED + spdy.PROTOCOL]))
            async with running(tunnel) as connection:
                await spdy.forward_streams(connection, forward)
        else:
            await _forward_channels(request, forward)

    async def _sandbox(self, request: Request) -> str:
        where = request.path_params
        pod = pod_named(self._kubelet, where["namespace"], where["pod"], where.get("uid", ""))
        sandbox = newest_sandbox(await self._kubelet.runtime.get_pod(uid_of(pod)))
        if sandbox is None:
            raise Refused(500, f'pod not found ("{where["pod"]}_{where["namespace"]}")')
        return sandbox.id


async def _forward_channels(request: Request, forward: Forward) -> None:
    try:
        ports = websocket.requested_ports(request.query_params.getlist("port"))
    except ValueError as error:
        raise Refused(400, str(error)) from None
    socket = accept_websocket(request, websocket.PROTOCOLS)
    try:
        await websocket.forward_channels(socket, ports, forward)
    finally:
        socket.abort()
