"""ClientStreams as the streams of a SPDY connection, which the client opens, each with its streamType."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.requests import Request

from component_base.spdy.connection import Connection, Stream
from kubelet.runtime.interface import ExecStream
from kubelet.server.channels import STDERR, STDOUT
from kubelet.server.remotecommand.client_streams import Wanted, resize, write
from kubelet.server.remotecommand.status import Status, encode
from kubelet.server.upgrade import spdy_connection

V5, V4, V3, V2, V1 = (f"{prefix}channel.k8s.io" for prefix in ("v5.", "v4.", "v3.", "v2.", ""))
PROTOCOLS = (V5, V4, V3, V2, V1)
_CREATION_SECONDS = 30.0
_OUTPUTS = {STDOUT: "stdout", STDERR: "stderr"}


def expected_streams(wanted: Wanted, protocol: str) -> set[str]:
    """The types of streams that a client opens. Pure."""
    can_resize = wanted.tty and protocol not in (V2, V1)
    asked = {"stdin": wanted.stdin, "stdout": wanted.stdout, "stderr": wanted.stderr, "resize": can_resize}
    return {"error", *(name for name, is_asked in asked.items() if is_asked)}


class SpdyStreams:
    def __init__(self, connection: Connection, streams: dict[str, Stream], *, has_status: bool) -> None:
        self._connection = connection
        self._streams = streams
        self._has_status = has_status

    async def deliver(self, process: ExecStream) -> None:
        async with asyncio.TaskGroup() as group:
            for name, deliver in (("stdin", _deliver_input), ("resize", _deliver_sizes)):
                if name in self._streams:
                    group.create_task(deliver(self._streams[name], process))
            await self.until_gone()

    async def until_gone(self) -> None:
        while (unasked := await self._connection.opened()) is not None:
            unasked.reset()

    async def send(self, stream: int, data: bytes) -> None:
        output = self._streams.get(_OUTPUTS[stream])
        if output is not None:
            output.write(data)
            await output.drain()

    def finish(self, status: Status) -> None:
        self._streams["error"].write(encode(status, as_status=self._has_status))
        for stream in self._streams.values():
            stream.end()


async def _deliver_input(stdin: Stream, process: ExecStream) -> None:
    async for data in _pieces(stdin):
        await write(process, data)
    await process.close_stdin()


async def _deliver_sizes(sizes: Stream, process: ExecStream) -> None:
    """A JSON object a line."""
    rest = b""
    async for data in _pieces(sizes):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            await resize(process, line)


async def _pieces(stream: Stream) -> AsyncIterator[bytes]:
    """Until the client has ended or gone, which makes no difference here."""
    with suppress(ConnectionError):
        while data := await stream.read():
            yield data


@asynccontextmanager
async def spdy_streams(request: Request, wanted: Wanted) -> AsyncIterator[SpdyStreams]:
    """Once the client has opened what it asked for. Raises Refused, ConnectionError if it does not."""
    async with spdy_connection(request, PROTOCOLS) as (connection, protocol):
        yield await collect_streams(connection, wanted, protocol)


async def collect_streams(connection: Connection, wanted: Wanted, protocol: str) -> SpdyStreams:
    """Raises ConnectionError."""
    try:
        async with asyncio.timeout(_CREATION_SECONDS):
            streams = await _collect(connection, expected_streams(wanted, protocol))
    except TimeoutError:
        raise ConnectionError("timed out waiting for client to create streams") from None
    return SpdyStreams(connection, streams, has_status=protocol in (V5, V4))


async def _collect(connection: Connection, expected: set[str]) -> dict[str, Stream]:
    streams: dict[str, Stream] = {}
    while streams.keys() != expected:
        stream = await connection.opened()
        if stream is None:
            raise ConnectionError("the client has gone before it opened its streams")
        kind = stream.headers.get("streamtype", "")
        if kind in expected - streams.keys():
            streams[kind] = stream
            stream.accept()
        else:
            stream.reset()
    return streams
