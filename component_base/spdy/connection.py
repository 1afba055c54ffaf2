"""SPDY over a ByteStream: `run` reads for all streams, each of which is read and written on its own.

A stream that nobody reads holds up the whole connection once it has its fill, as everywhere in Kubernetes:
there are no windows (see session.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from component_base.byte_stream import ByteStream
from component_base.inbox import Inbox
from component_base.spdy.errors import SpdyError, StreamClosed
from component_base.spdy.frames import ResetStatus
from component_base.spdy.session import Ended, Event, Opened, Received, Replied, Reset, Session


class Stream:
    """A DuplexStream."""

    def __init__(self, connection: Connection, number: int, headers: Mapping[str, str]) -> None:
        self.number = number
        self.headers = headers
        self.inbox = Inbox()
        """The connection's to feed."""
        self._connection = connection

    async def read(self) -> bytes:
        return await self.inbox.read()

    def accept(self) -> None:
        """Must come before anything is written to a stream that the other side has opened."""
        self._connection.accept(self)

    def write(self, data: bytes) -> None:
        self._connection.send(self, data)

    async def drain(self) -> None:
        await self._connection.drain(self)

    def end(self) -> None:
        self._connection.end(self)

    def close(self) -> None:
        self.reset()

    def reset(self, status: ResetStatus = ResetStatus.CANCEL) -> None:
        """Gives up the stream; what has not been read is dropped."""
        self._connection.reset(self, status)
        self.inbox.cut_off("the stream was given up")
        self.inbox.clear()


class Connection:
    """Of no use until somebody runs it."""

    def __init__(self, wire: ByteStream, *, is_client: bool) -> None:
        self._wire = wire
        self._session = Session(is_client=is_client)
        self._streams: dict[int, Stream] = {}
        self._unaccepted: dict[int, asyncio.Future[None]] = {}
        self._opened: asyncio.Queue[Stream | None] = asyncio.Queue()
        self._has_ended = False

    async def run(self) -> None:
        """Reads until the other side has gone. Raises SpdyError if it does not speak SPDY."""
        try:
            while arrived := await self._wire.read():
                for event in self._session.receive(arrived):
                    self._on_event(event)
                self._flush()
                for stream in list(self._streams.values()):
                    await stream.inbox.until_there_is_room()
        except SpdyError:
            self._session.go_away(is_error=True)
            raise
        finally:
            self._end()

    async def opened(self) -> Stream | None:
        """The next stream that the other side opens, not accepted yet; None when it has gone."""
        stream = await self._opened.get()
        if stream is None:
            self._opened.put_nowait(None)
        return stream

    async def open(self, headers: Mapping[str, str]) -> Stream:
        """A stream of ours, once the other side has accepted it. Raises StreamClosed."""
        if self._has_ended:
            raise StreamClosed("the connection has ended")
        stream = Stream(self, self._session.open(headers), headers)
        self._streams[stream.number] = stream
        accepted = self._unaccepted[stream.number] = asyncio.get_running_loop().create_future()
        self._flush()
        await accepted
        return stream

    def ping(self) -> None:
        """Keeps the connection from being taken for idle."""
        self._session.ping()
        self._flush()

    def close(self) -> None:
        """Says so, and hangs up."""
        self._session.go_away()
        self._end()

    # For the streams.

    def accept(self, stream: Stream) -> None:
        self._session.reply(stream.number)
        self._flush()

    def send(self, stream: Stream, data: bytes) -> None:
        with suppress(StreamClosed):
            self._session.send(stream.number, data)
        self._flush()

    async def drain(self, stream: Stream) -> None:
        """Raises StreamClosed, or what the connection's own stream raises."""
        if not self._session.can_send(stream.number):
            raise StreamClosed(f"stream {stream.number} is closed")
        await self._wire.drain()

    def end(self, stream: Stream) -> None:
        self._session.end(stream.number)
        self._flush()
        self._forget_if_over(stream.number)

    def reset(self, stream: Stream, status: ResetStatus) -> None:
        self._session.reset(stream.number, status)
        self._flush()
        self._forget_if_over(stream.number)

    def _on_event(self, event: Event) -> None:
        match event:
            case Opened(number, headers):
                self._streams[number] = Stream(self, number, headers)
                self._opened.put_nowait(self._streams[number])
            case Replied(number):
                self._settle(number)
            case Received(number, data):
                self._streams[number].inbox.feed(data)
            case Ended(number):
                self._streams[number].inbox.end()
                self._forget_if_over(number)
            case Reset(number):
                self._settle(number, StreamClosed("the other side has refused the stream"))
                self._streams.pop(number).inbox.cut_off("the other side has given up the stream")

    def _settle(self, number: int, refusal: StreamClosed | None = None) -> None:
        accepted = self._unaccepted.pop(number, None)
        if accepted is None or accepted.done():
            return
        if refusal is None:
            accepted.set_result(None)
        else:
            accepted.set_exception(refusal)

    def _forget_if_over(self, number: int) -> None:
        if not self._session.has(number):
            self._streams.pop(number, None)

    def _flush(self) -> None:
        if outgoing := self._session.take():
            self._wire.write(outgoing)

    def _end(self) -> None:
        self._has_ended = True
        self._flush()
        self._wire.close()
        self._session.give_up()
        self._opened.put_nowait(None)
        for stream in self._streams.values():
            stream.inbox.cut_off("the connection has ended")
        for number in list(self._unaccepted):
            self._settle(number, StreamClosed("the connection has ended"))
