"""Port forwarding over the channels of a WebSocket: two for each port, which has one connection.

Source: kubelet/pkg/cri/streaming/portforward/websocket.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from component_base.inbox import Inbox
from component_base.websocket import WebSocket
from kubelet.server.channels import ChannelProtocol
from kubelet.server.portforward.forward import Forward, parse_port

PROTOCOLS = ("v4.channel.k8s.io", "v4.base64.channel.k8s.io", "")


def requested_ports(values: Sequence[str]) -> list[int]:
    """Of the query. Raises ValueError in upstream's words."""
    if not values:
        raise ValueError('query parameter "port" is required')
    if not all(values):
        raise ValueError('query parameter "port" cannot be empty')
    return [parse_port(port) for value in values for port in value.split(",")]


class Channel:
    """One channel as a DuplexStream. Neither side can end it: the pod's end ends both directions."""

    def __init__(self, socket: WebSocket, number: int) -> None:
        self.inbox = Inbox()
        self._socket = socket
        self._protocol = ChannelProtocol(socket.subprotocol)
        self._number = number

    async def read(self) -> bytes:
        return await self.inbox.read()

    def write(self, data: bytes) -> None:
        self._socket.send(self._protocol.encode(self._number, data), is_text=self._protocol.is_text)

    async def drain(self) -> None:
        await self._socket.drain()

    def end(self) -> None:
        self.close()

    def close(self) -> None:
        self.inbox.end()
        self.inbox.clear()


async def forward_channels(socket: WebSocket, ports: Sequence[int], forward: Forward) -> None:
    """Until every port has ended, or the client hangs up."""
    channels = [Channel(socket, number) for number in range(2 * len(ports))]
    pairs = list(zip(ports, channels[::2], channels[1::2], strict=True))
    for port, data, error in pairs:
        for channel in (data, error):
            channel.write(port.to_bytes(2, "little"))
    receiving = asyncio.create_task(_receive(socket, channels))
    try:
        await asyncio.gather(*(_forward(port, data, error, forward) for port, data, error in pairs))
        socket.close()
        await receiving
    finally:
        receiving.cancel()


async def _forward(port: int, data: Channel, error: Channel, forward: Forward) -> None:
    if message := await forward(port, data):
        error.write(message.encode())


async def _receive(socket: WebSocket, channels: Sequence[Channel]) -> None:
    protocol = ChannelProtocol(socket.subprotocol)
    while (message := await socket.receive()) is not None:
        try:
            number, data = protocol.decode(message)
        except ValueError:
            continue
        if number < len(channels) and number % 2 == 0:
            channels[number].inbox.feed(data)
            await channels[number].inbox.until_there_is_room()
    for channel in channels:
        channel.inbox.cut_off("the client has gone")
