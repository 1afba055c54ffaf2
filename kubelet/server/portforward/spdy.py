"""Port forwarding over SPDY: an error and a data stream, with one requestID, for each connection.

Source: kubelet/pkg/cri/streaming/portforward/httpstream.go of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from component_base.spdy.connection import Connection, Stream
from kubelet.server.portforward.forward import Forward, parse_port

log = logging.getLogger(__name__)

PROTOCOL = "portforward.k8s.io"
DATA, ERROR = "data", "error"
_CREATION_SECONDS = 30.0


@dataclass(slots=True)
class Pair:
    """The streams of one connection, as far as they have come."""

    port: int
    streams: dict[str, Stream] = field(default_factory=dict)
    expiry: asyncio.TimerHandle | None = None

    @property
    def is_complete(self) -> bool:
        return len(self.streams) == 2


class Pairs:
    """Finds the streams that belong together."""

    def __init__(self) -> None:
        self._incomplete: dict[str, Pair] = {}

    def add(self, stream: Stream) -> Pair | None:
        """The pair, once both of its streams are there. Raises ValueError for a stream that cannot be."""
        port, kind, request_id = read_headers(stream)
        pair = self._incomplete.get(request_id)
        if pair is None:
            pair = self._incomplete[request_id] = Pair(port)
            expire = asyncio.get_running_loop().call_later
            pair.expiry = expire(_CREATION_SECONDS, self._expire, request_id)
        if kind in pair.streams:
            raise ValueError(
                f"error processing stream for request {request_id}: {kind} stream already assigned"
            )
        pair.streams[kind] = stream
        stream.accept()
        if not pair.is_complete:
            return None
        self._forget(request_id)
        return pair

    def clear(self) -> None:
        for request_id in list(self._incomplete):
            self._forget(request_id)

    def _forget(self, request_id: str) -> Pair:
        pair = self._incomplete.pop(request_id)
        if pair.expiry is not None:
            pair.expiry.cancel()
        return pair

    def _expire(self, request_id: str) -> None:
        pair = self._forget(request_id)
        if ERROR in pair.streams:
            pair.streams[ERROR].write(f"(request={request_id}) timed out waiting for streams".encode())
            pair.streams[ERROR].end()
        else:
            pair.streams[DATA].reset()


def read_headers(stream: Stream) -> tuple[int, str, str]:
    """Port, type and request id. Raises ValueError in upstream's words."""
    headers = stream.headers
    for name in ("port", "streamType"):
        if not headers.get(name.lower()):
            raise ValueError(f'"{name}" header is required')
    kind = headers["streamtype"]
    if kind not in (DATA, ERROR):
        raise ValueError(f'invalid stream type "{kind}"')
    # Clients of old name no request; theirs open the data stream right after the error stream.
    guessed = stream.number if kind == ERROR else stream.number - 2
    return parse_port(headers["port"]), kind, headers.get("requestid") or str(guessed)


async def forward_streams(connection: Connection, forward: Forward) -> None:
    """Until the client hangs up."""
    pairs = Pairs()
    try:
        async with asyncio.TaskGroup() as group:
            while (stream := await connection.opened()) is not None:
                if (pair := _taken(pairs, stream)) is not None:
                    group.create_task(_forward(pair, forward))
    finally:
        pairs.clear()


def _taken(pairs: Pairs, stream: Stream) -> Pair | None:
    """The pair that is complete with the stream, if one is."""
    try:
        return pairs.add(stream)
    except ValueError as error:
        log.info("Stream refused: error=%s", error)
        stream.reset()
        return None


async def _forward(pair: Pair, forward: Forward) -> None:
    data, error = pair.streams[DATA], pair.streams[ERROR]
    error.write((await forward(pair.port, data)).encode())
    error.end()
    # What the client still sends must not fill the connection that others use.
    data.reset()
