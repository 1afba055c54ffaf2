"""A client's end of one HTTP/2 connection that carries gRPC calls.

All methods are plain: what an event means is worked out at once, and what one turn of the loop wants to send
leaves in few writes. Our header table has no room (HEADER_TABLE_SIZE 0), so equal blocks of
headers mean the same and are decoded once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache

from hpack import Decoder, HPACKError
from hpack.hpack import encode_integer

from component_base.grpc import frames
from component_base.grpc.call import MESSAGE_HEAD, Call, StreamCall, UnaryCall
from component_base.grpc.frames import Frame, FrameReader, Setting, Type
from component_base.grpc.status import Code, GrpcError, error_in

_SETTINGS = {
    Setting.HEADER_TABLE_SIZE: 0,
    Setting.ENABLE_PUSH: 0,
    Setting.INITIAL_WINDOW_SIZE: frames.MAX_WINDOW,
}
_ROOM_STEP = 1 << 20
"""The server is given back its room in steps of so many bytes; it has two thousand times as much."""
_KEEPALIVE_SECONDS, _KEEPALIVE_TIMEOUT = 30.0, 10.0
_PING_DELAY = 0.5
_MAX_KNOWN_BLOCKS = 64
_MOST_GATHERED = 16
"""Frames, two a call: with those the server can begin while the calls that follow are still being made."""


class Connection(asyncio.Protocol):
    """`ready` is set once the server has shown that it speaks HTTP/2, or with the reason why it won't be."""

    def __init__(self, authority: str, user_agent: str, *, secure: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._authority = authority
        self._user_agent = user_agent
        self._secure = secure
        self._transport: asyncio.Transport | None = None
        self._reader = FrameReader()
        self._decoder = Decoder()
        self._known_blocks: dict[bytes, dict[str, str]] = {}
        self._open_block: Frame | None = None
        self._calls: dict[int, Call] = {}
        self._blocked: list[Call] = []
        self._next_stream = 1
        self._last_sent = 0
        """The last stream of which the server may know."""
        self._window = self._call_window = frames.DEFAULT_WINDOW
        self._frame_size = frames.DEFAULT_FRAME_SIZE
        self._taken = 0
        self._outgoing: list[bytes] = []
        self._heard_at = self._loop.time()
        self._pulse: asyncio.TimerHandle | None = None
        self._pinged = False
        self._refusal: GrpcError | None = None
        """Why no new call is taken: the connection is going or gone."""
        self._on: dict[int, Callable[[Frame], None]] = {
            Type.DATA: self._on_data,
            Type.HEADERS: self._on_headers,
            Type.CONTINUATION: self._on_continuation,
            Type.RST_STREAM: self._on_reset,
            Type.SETTINGS: self._on_settings,
            Type.PING: self._on_ping,
            Type.GOAWAY: self._on_goaway,
            Type.WINDOW_UPDATE: self._on_window_update,
        }

    def __repr__(self) -> str:
        state = f"closed: {self._refusal.details}" if self._refusal else "open"
        return f"<Connection {self._authority} {state}, {len(self._calls)} calls>"

    @property
    def is_open(self) -> bool:
        return self._refusal is None

    # Calls

    def unary(self, path: str, message: bytes, timeout: float) -> UnaryCall:
        """One message out; the `answer` of the call is awaited. Raises GrpcError if no call is taken."""
        stream = self._take_stream()
        timer = self._loop.call_later(timeout, self._expire, stream, self._loop.time())
        call = UnaryCall(stream, self._call_window, self._loop.create_future(), timer)
        self._begin(call, path)
        self._send_message(call, message, is_last=True)
        return call

    def stream(self, path: str, **metadata: str) -> StreamCall:
        """Raises GrpcError if no call is taken."""
        call = StreamCall(self._take_stream(), self._call_window)
        self._begin(call, path, tuple(metadata.items()))
        return call

    def write(self, call: StreamCall, message: bytes) -> None:
        """One more message of a stream; if that has ended, its reader is told."""
        if call.stream in self._calls:
            self._send_message(call, message, is_last=False)

    def cancel(self, call: Call) -> None:
        """The server need not go on with it. Harmless if it has ended."""
        if call.stream in self._calls:
            self._send(frames.encode(Type.RST_STREAM, 0, call.stream, frames.WORD.pack(frames.CANCEL)))
            self._end(call, GrpcError(Code.CANCELLED, "cancelled by the client"))

    def close(self, reason: str) -> None:
        """Takes no more calls; those under way may end."""
        if self._refusal is None:
            self._refusal = GrpcError(Code.UNAVAILABLE, reason, unprocessed=True)
        self._hang_up_if_idle()

    def abort(self, reason: str) -> None:
        """Gives everything up."""
        self.close(reason)
        for call in list(self._calls.values()):
            unsent = call.stream > self._last_sent
            self._end(call, GrpcError(Code.UNAVAILABLE, reason, unprocessed=unsent))
        if self._transport is not None:
            self._transport.abort()

    def _take_stream(self) -> int:
        if self._refusal is not None:
            raise self._refusal
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        return stream

    def _begin(self, call: Call, path: str, metadata: tuple[tuple[str, str], ...] = ()) -> None:
        self._calls[call.stream] = call
        block = _request_block(self._secure, self._authority, path, self._user_agent, metadata)
        self._send(frames.encode(Type.HEADERS, frames.END_HEADERS, call.stream, block))
        if self._next_stream > frames.MAX_WINDOW:
            self.close("the connection has used up its streams")

    def _end(self, call: Call, error: GrpcError | None) -> None:
        del self._calls[call.stream]
        call.end(error)
        if self._refusal is not None:
            self._hang_up_if_idle()

    def _expire(self, stream: int, began: float) -> None:
        """A call's time is up; a server that has said nothing since it began is taken for dead."""
        call = self._calls.get(stream)
        if call is None:
            return
        call.end(GrpcError(Code.DEADLINE_EXCEEDED, "context deadline exceeded"))
        if self._heard_at < began:
            self.abort("the server has fallen silent")
        else:
            self.cancel(call)

    def _hang_up_if_idle(self) -> None:
        # Once: closed twice, asyncio's TLS of Python 3.11.2 can no longer be aborted.
        if not self._calls and self._transport is not None and not self._transport.is_closing():
            self._transport.close()

    # Sending

    def _send(self, frame: bytes) -> None:
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(frame)
        if len(self._outgoing) >= _MOST_GATHERED:
            self._flush()

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if outgoing and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(outgoing))
            self._last_sent = self._next_stream - 2

    def _send_message(self, call: Call, message: bytes, *, is_last: bool) -> None:
        head = MESSAGE_HEAD.pack(0, len(message))
        call.unsent = memoryview(b"".join((call.unsent, head, message)))
        call.is_last = is_last
        self._send_unsent(call)

    def _send_unsent(self, call: Call) -> None:
        """As much as the server has room for."""
        while call.unsent:
            size = min(len(call.unsent), self._frame_size, self._window, call.window)
            if size <= 0:
                self._blocked.append(call)
                return
            piece, call.unsent = call.unsent[:size], call.unsent[size:]
            self._window -= size
            call.window -= size
            flags = frames.END_STREAM if call.is_last and not call.unsent else 0
            self._send(frames.encode(Type.DATA, flags, call.stream, piece))

    def _unblock(self) -> None:
        blocked, self._blocked = self._blocked, []
        for call in blocked:
            if call.stream in self._calls:
                self._send_unsent(call)

    # Receiving

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as TCP has it
        self._transport = transport
        room = frames.window_update(0, frames.MAX_WINDOW - frames.DEFAULT_WINDOW)
        transport.write(frames.PREFACE + frames.settings(_SETTINGS) + room)
        self._pulse = self._loop.call_later(_KEEPALIVE_SECONDS, self._look)

    def eof_received(self) -> None:
        self.abort("connection closed by the server")

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f"connection lost: {exc}"
        self.abort(reason)
        if self._pulse is not None:
            self._pulse.cancel()
        if not self.ready.done():
            self.ready.set_exception(GrpcError(Code.UNAVAILABLE, reason, unprocessed=True))

    def data_received(self, data: bytes) -> None:
        self._heard_at, self._pinged = self._loop.time(), False
        try:
            for frame in self._reader.feed(data):
                handle = self._on.get(frame.type)
                if handle is not None:
                    handle(frame)
        except (HPACKError, ValueError, IndexError) as error:
            self.abort(f"the server does not speak HTTP/2: {error}")

    def _on_data(self, frame: Frame) -> None:
        size = len(frame.payload)
        self._taken = self._give_room(0, self._taken + size)
        call = self._calls.get(frame.stream)
        if call is None:
            return
        call.taken = self._give_room(frame.stream, call.taken + size)
        try:
            call.feed(frames.unpadded(frame))
        except GrpcError as error:
            call.end(error)
            self.cancel(call)
            return
        if frame.flags & frames.END_STREAM:
            self._end(call, error_in(call.headers) or GrpcError(Code.INTERNAL, "no status at the end"))

    def _give_room(self, stream: int, taken: int) -> int:
        """What remains owed."""
        if taken < _ROOM_STEP:
            return taken
        self._send(frames.window_update(stream, taken))
        return 0

    def _on_headers(self, frame: Frame) -> None:
        block = frames.unpadded(frame)
        if frame.flags & frames.END_HEADERS:
            self._on_block(frame, block)
        else:
            self._open_block = frame._replace(payload=block)

    def _on_continuation(self, frame: Frame) -> None:
        begun, self._open_block = self._open_block, None
        if begun is None or begun.stream != frame.stream:
            raise ValueError("a CONTINUATION of nothing")
        block = begun.payload + frame.payload
        if frame.flags & frames.END_HEADERS:
            self._on_block(begun, block)
        else:
            self._open_block = begun._replace(payload=block)

    def _on_block(self, frame: Frame, block: bytes) -> None:
        headers = self._decode(block)
        call = self._calls.get(frame.stream)
        if call is None:
            return
        call.headers = {**call.headers, **headers}
        if frame.flags & frames.END_STREAM:
            self._end(call, error_in(call.headers))

    def _decode(self, block: bytes) -> dict[str, str]:
        headers = self._known_blocks.get(block)
        if headers is None:
            headers = {str(name): str(value) for name, value in self._decoder.decode(block)}
            if len(self._known_blocks) < _MAX_KNOWN_BLOCKS:
                self._known_blocks[block] = headers
        return headers

    def _on_reset(self, frame: Frame) -> None:
        call = self._calls.get(frame.stream)
        if call is not None:
            [code] = frames.WORD.unpack(frame.payload)
            refused = code == frames.REFUSED_STREAM
            self._end(call, GrpcError(Code.UNAVAILABLE, f"stream reset: {code}", unprocessed=refused))

    def _on_settings(self, frame: Frame) -> None:
        if frame.flags & frames.ACK:
            return
        values = dict(frames.SETTING.iter_unpack(frame.payload))
        self._frame_size = values.get(Setting.MAX_FRAME_SIZE, self._frame_size)
        window = values.get(Setting.INITIAL_WINDOW_SIZE, self._call_window)
        for call in self._calls.values():
            call.window += window - self._call_window
        self._call_window = window
        self._send(frames.encode(Type.SETTINGS, frames.ACK, 0))
        self._unblock()
        if not self.ready.done():
            self.ready.set_result(None)

    def _on_window_update(self, frame: Frame) -> None:
        [size] = frames.WORD.unpack(frame.payload)
        if frame.stream == 0:
            self._window += size
        elif frame.stream in self._calls:
            self._calls[frame.stream].window += size
        if self._blocked:
            self._unblock()

    def _on_ping(self, frame: Frame) -> None:
        """A Go server measures with pings, the next when the last was answered: that may take a while."""
        if not frame.flags & frames.ACK:
            answer = frames.encode(Type.PING, frames.ACK, 0, frame.payload)
            self._loop.call_later(_PING_DELAY, self._send, answer)

    def _on_goaway(self, frame: Frame) -> None:
        """Calls beyond the last that the server has begun are sure not to have happened."""
        [last] = frames.WORD.unpack_from(frame.payload)
        self.close("the server is going away")
        for call in list(self._calls.values()):
            if call.stream > last:
                self._end(call, self._refusal)

    def _look(self) -> None:
        """Asks a server that calls wait for whether it is there, when it has been silent."""
        silence = self._loop.time() - self._heard_at
        if self._pinged:
            self.abort("the server does not answer")
            return
        if silence < _KEEPALIVE_SECONDS or not self._calls:
            again = _KEEPALIVE_SECONDS
        else:
            self._send(frames.encode(Type.PING, 0, 0, b"\0" * 8))
            self._pinged, again = True, _KEEPALIVE_TIMEOUT
        self._pulse = self._loop.call_later(again, self._look)


@lru_cache(maxsize=128)
def _request_block(
    secure: bool, authority: str, path: str, user_agent: str, metadata: tuple[tuple[str, str], ...]
) -> bytes:
    """The headers of a call (RFC 7541, static names, literal values): they leave no trace in any table."""
    return b"".join(
        [
            b"\x83",  # :method: POST
            b"\x87" if secure else b"\x86",  # :scheme: https or http
            b"\x04" + _text(path),  # :path
            b"\x01" + _text(authority),  # :authority
            b"\x0f\x10" + _text("application/grpc"),  # content-type
            b"\x0f\x2b" + _text(user_agent),  # user-agent
            *(b"\x00" + _text(name) + _text(value) for name, value in (("te", "trailers"), *metadata)),
        ]
    )


def _text(value: str) -> bytes:
    encoded = value.encode()
    return bytes(encode_integer(len(encoded), 7)) + encoded
