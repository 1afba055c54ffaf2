"""A resolver for tests: answers over UDP and TCP from a table, remembers what it was asked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

Records = Mapping[tuple[str, str], list[str]]
"""(name, type) -> data in presentation format."""


class FakeResolver:
    """A name that isn't in the table doesn't exist."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.asked: list[tuple[str, str, str]] = []
        """Name, type and protocol of each question."""
        self.is_silent = False
        self.rcode: int | None = None
        """What everything is answered with, instead."""
        self.forge: Callable[[dns.message.Message], bytes] | None = None
        """Makes what is sent before the answer, over UDP."""

    def answer(self, data: bytes, protocol: str) -> bytes:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, type = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, type, protocol))
        if self.is_silent:
            return b""
        response = dns.message.make_response(query, recursion_available=True)
        data_of = self._records.get((name, type))
        if self.rcode is not None:
            response.set_rcode(self.rcode)
        elif data_of is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            response.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", type, data_of))
        return response.to_wire(max_size=512 if protocol == "udp" else 65535, prefer_truncation=True)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), (host, port))
        port = int(self._transport.get_extra_info("sockname")[1])
        self._server = await asyncio.start_server(self._serve, host, port)
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                data = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                response = self.answer(data, "tcp")
                writer.write(len(response).to_bytes(2) + response)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def aclose(self) -> None:
        self._transport.close()
        self._server.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: FakeResolver) -> None:
        self._resolver = resolver
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        if self._resolver.forge is not None:
            self._transport.sendto(self._resolver.forge(dns.message.from_wire(data)), address)
        response = self._resolver.answer(data, "udp")
        if response:
            self._transport.sendto(response, address)


@contextmanager
def resolver_in_a_thread(records: Records, host: str, port: int = 53) -> Iterator[FakeResolver]:
    """For tests without a loop of their own."""
    resolver = FakeResolver(records)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(resolver.start(host, port), loop).result(5)
        yield resolver
    finally:
        asyncio.run_coroutine_threadsafe(resolver.aclose(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def free_dns_port(host: str = "127.0.0.1") -> int:
    """A port that is free for both protocols."""
    while True:
        with socket.create_server((host, 0)) as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            port = int(tcp.getsockname()[1])
            try:
                udp.bind((host, port))
            except OSError:
                continue
            return port
