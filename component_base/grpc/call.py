"""One call on a connection: what is still to be sent, and what has arrived. Bookkeeping only, no I/O.

A message on the wire is five bytes of head (whether compressed, length) and the message itself.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from struct import Struct

from component_base.grpc.status import Code, GrpcError

MESSAGE_HEAD = Struct(">BI")


class Call(ABC):
    """`window` is how many bytes the server lets us send; `taken` how many of its own we owe it room for."""

    def __init__(self, stream: int, window: int) -> None:
        self.stream = stream
        self.window = window
        self.unsent = memoryview(b"")
        self.is_last = False
        """Whether nothing will follow what is unsent."""
        self.headers: dict[str, str] = {}
        self.taken = 0
        self._buffer = bytearray()
        self._wanted = MESSAGE_HEAD.size

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.stream} unsent={len(self.unsent)}>"

    def feed(self, data: bytes) -> None:
        """A piece of the answer. Raises GrpcError for a compressed message, which nobody asked for."""
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        position, size = 0, len(data)
        while size - position >= MESSAGE_HEAD.size:
            compressed, length = MESSAGE_HEAD.unpack_from(data, position)
            if compressed:
                raise GrpcError(Code.INTERNAL, "a compressed message, though no compression was offered")
            start = position + MESSAGE_HEAD.size
            self._wanted = MESSAGE_HEAD.size + length
            if size - start < length:
                break
            self.deliver(data[start : start + length])
            position, self._wanted = start + length, MESSAGE_HEAD.size
        if position < size:
            self._buffer += data[position:]

    @abstractmethod
    def deliver(self, message: bytes) -> None:
        """A whole message."""

    @abstractmethod
    def end(self, error: GrpcError | None) -> None:
        """Nothing more will come; None is a good end. Only the first call of it counts."""


class UnaryCall(Call):
    """One message out, one message in."""

    def __init__(
        self, stream: int, window: int, answer: asyncio.Future[bytes], timer: asyncio.TimerHandle
    ) -> None:
        super().__init__(stream, window)
        self.answer = answer
        self._timer = timer
        self._message: bytes | None = None

    def deliver(self, message: bytes) -> None:
        self._message = message

    def end(self, error: GrpcError | None) -> None:
        self._timer.cancel()
        if self.answer.done():
            return
        if error is None and self._message is None:
            error = GrpcError(Code.INTERNAL, "the call ended without an answer")
        if error is not None:
            self.answer.set_exception(error)
        else:
            self.answer.set_result(self._message or b"")


class StreamCall(Call):
    """Messages either way until one side ends it."""

    def __init__(self, stream: int, window: int) -> None:
        super().__init__(stream, window)
        self._messages: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._error: GrpcError | None = None

    def deliver(self, message: bytes) -> None:
        self._messages.append(message)
        self._arrived.set()

    def end(self, error: GrpcError | None) -> None:
        if not self._ended:
            self._ended, self._error = True, error
            self._arrived.set()

    async def read(self) -> bytes | None:
        """The next message; None once the server has ended the stream well. Raises GrpcError."""
        while not self._messages:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()
