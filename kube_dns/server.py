"""The sockets: UDP and TCP on one port, each with its responder."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any

from component_base.listening import listening
from kube_dns.responder import Responder

log = logging.getLogger(__name__)

RECEIVE_BUFFER = 1 << 20
MOST_WAITING, MOST_CONNECTIONS = 10_000, 1000
"""Questions and connections beyond that are dropped: their clients ask again."""
IDLE_SECONDS = 10.0
LENGTH_SIZE = 2


class DnsServer:
    """Serves from `start` to `aclose`."""

    def __init__(self, datagrams: Responder, streams: Responder) -> None:
        self._datagrams = _Datagrams(datagrams)
        self._streams = _Streams(streams)

    async def start(self, address: str, port: int) -> int:
        """Binds; returns the port, which the system chose if 0 was asked for. Raises ListenError."""
        loop = asyncio.get_running_loop()
        with listening(address, port, "udp"):
            transport, _ = await loop.create_datagram_endpoint(lambda: self._datagrams, (address, port))
        port = int(transport.get_extra_info("sockname")[1])
        await self._streams.start(address, port)
        return port

    async def aclose(self) -> None:
        await self._streams.aclose()
        await self._datagrams.aclose()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._waiting: set[asyncio.Task[None]] = set()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        bound = transport.get_extra_info("socket")
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def datagram_received(self, data: bytes, address: Any) -> None:
        response = self._responder.ready(data)
        if response is not None:
            self._transport.sendto(response, address)
        elif len(self._waiting) < MOST_WAITING:
            task = asyncio.get_running_loop().create_task(self._respond(data, address))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)

    async def _respond(self, data: bytes, address: Any) -> None:
        response = await self._responder.respond(data)
        if response:
            self._transport.sendto(response, address)

    async def aclose(self) -> None:
        tasks = list(self._waiting)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()


class _Streams:
    """Each connection's questions are answered one after the other."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()

    async def start(self, address: str, port: int) -> None:
        with listening(address, port):
            self._server = await asyncio.start_server(self._serve, address, port, reuse_address=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._connections.add(task)
        try:
            while await self._answer_one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
            log.debug("Connection ended: peer=%s", writer.get_extra_info("peername"))
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """False: the client sends what must not be answered."""
        async with asyncio.timeout(IDLE_SECONDS):
            length = await reader.readexactly(LENGTH_SIZE)
            data = await reader.readexactly(int.from_bytes(length))
        response = self._responder.ready(data) or await self._responder.respond(data)
        if not response:
            return False
        async with asyncio.timeout(IDLE_SECONDS):
            writer.write(len(response).to_bytes(LENGTH_SIZE) + response)
            await writer.drain()
        return True

    async def aclose(self) -> None:
        if self._server is None:
            return
        self._server.close()
        connections = list(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
