"""One question to one other server: over UDP, and over TCP if the answer doesn't fit."""

from __future__ import annotations

import socket
from typing import NamedTuple

import dns.asyncquery
import dns.exception
import dns.inet
from dns.asyncbackend import get_default_backend

from kube_dns.records import Question
from kube_dns.wire import Flags, Reply, question_for, reply_of

DNS_PORT = 53


class Server(NamedTuple):
    """A server's address."""

    host: str
    port: int = DNS_PORT

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class ExchangeError(Exception):
    """The server gave no answer, or none that can be understood."""


async def exchange(server: Server, question: Question, flags: Flags, seconds: float) -> Reply:
    """Raises ExchangeError. What a forger sends is passed over: a wrong id, port or question."""
    backend = get_default_backend()
    family = dns.inet.af_for_address(server.host)
    try:
        # A socket of its own, so that its port can't be guessed; connected, so that a refusal is heard of.
        opening = backend.make_socket(family, socket.SOCK_DGRAM, destination=tuple(server))  # type: ignore[no-untyped-call]
        async with await opening as udp:
            message, _ = await dns.asyncquery.udp_with_fallback(
                question_for(question, flags),
                server.host,
                seconds,
                server.port,
                udp_sock=udp,
                ignore_unexpected=True,
                ignore_errors=True,
            )
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise ExchangeError(f"{server}: {error or type(error).__name__}") from error
    return reply_of(message)
