"""Listens on local ports and joins each connection to the pod: two SPDY streams for each.

Source: k8s.io/client-go/tools/portforward/portforward.go.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress

from component_base.byte_stream import ByteStream, SocketStream, copy
from component_base.spdy.connection import Connection, Stream
from kubectl.failures import CommandError
from kubectl.portforward.ports import Pair

LOOPBACK = ("127.0.0.1", "::1")


class Forwarder:
    """Forwards until the connection to the pod is lost; raises CommandError then, or if it can't listen."""

    def __init__(self, connection: Connection, pairs: Sequence[Pair], addresses: Sequence[str]) -> None:
        self._connection = connection
        self._pairs = pairs
        self._addresses = addresses
        self._requests = 0

    async def run(self) -> None:
        async with AsyncExitStack() as stack:
            for pair in self._pairs:
                for server in await self._listen(pair):
                    stack.callback(server.close)
            await self._connection.run()
        raise CommandError("lost connection to pod")

    async def _listen(self, pair: Pair) -> list[asyncio.Server]:
        """Of `localhost`, either address is enough."""
        servers: list[asyncio.Server] = []
        problems: list[str] = []
        local = pair.local
        for host in _hosts(self._addresses):
            try:
                server = await self._serve(host, local, pair.remote)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                problems.append(
                    f"unable to create listener: Error listen tcp {_at(host, local)}: bind: {reason}"
                )
                continue
            local = server.sockets[0].getsockname()[1]
            print(f"Forwarding from {_at(host, local)} -> {pair.remote}")
            servers.append(server)
        if servers:
            return servers
        what = f"Listeners failed to create with the following errors: [{' '.join(problems)}]"
        print(f"Unable to listen on port {pair.local}: {what}", file=sys.stderr)
        ports = f"[{{{pair.local} {pair.remote}}}]"
        raise CommandError(f"unable to listen on any of the requested ports: {ports}")

    async def _serve(self, host: str, local: int, remote: int) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            port = writer.get_extra_info("sockname")[1]
            print(f"Handling connection for {port}")
            await self._forward(SocketStream(reader, writer), port, remote)

        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return await asyncio.start_server(connected, host, local, family=family)

    async def _forward(self, client: SocketStream, local: int, remote: int) -> None:
        """One connection; what goes wrong in the pod ends all of them, as with kubectl."""
        headers = {"port": str(remote), "requestid": str(self._requests)}
        self._requests += 1
        try:
            error = await self._connection.open({"streamtype": "error", **headers})
            error.end()
            data = await self._connection.open({"streamtype": "data", **headers})
            await _join(client, data)
            message = await _whole(error)
        except ConnectionError:
            return  # to the pod: `run` tells
        finally:
            client.close()
        if message:
            print(f"an error occurred forwarding {local} -> {remote}: {message}", file=sys.stderr)
            self._connection.close()


def _hosts(addresses: Sequence[str]) -> Iterator[str]:
    for address in addresses:
        yield from LOOPBACK if address == "localhost" else (address,)


def _at(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _join(client: SocketStream, data: Stream) -> None:
    """Until the pod's side has ended: the client may end its own before."""
    sending = asyncio.create_task(_send(client, data))
    try:
        with suppress(ConnectionError):  # either side may hang up as it likes
            await copy(data, client)
    finally:
        sending.cancel()


async def _send(client: SocketStream, data: Stream) -> None:
    try:
        await copy(client, data)
    except ConnectionError:
        data.reset()


async def _whole(stream: ByteStream) -> str:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    return b"".join(pieces).decode(errors="replace")
