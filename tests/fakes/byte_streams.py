"""A pair of DuplexStreams in memory, joined like a socket pair: a writer is held up when nobody reads."""

from __future__ import annotations

from component_base.inbox import Inbox


class MemoryStream:
    """One end; `pair` makes two."""

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.peer = self

    async def read(self) -> bytes:
        return await self.inbox.read()

    def write(self, data: bytes) -> None:
        self.peer.inbox.feed(data)

    async def drain(self) -> None:
        await self.peer.inbox.until_there_is_room()

    def end(self) -> None:
        self.peer.inbox.end()

    def close(self) -> None:
        self.inbox.end()
        self.peer.inbox.end()

    def break_off(self) -> None:
        for end in (self, self.peer):
            end.inbox.cut_off("connection reset by peer")


def pair() -> tuple[MemoryStream, MemoryStream]:
    one, other = MemoryStream(), MemoryStream()
    one.peer, other.peer = other, one
    return one, other
