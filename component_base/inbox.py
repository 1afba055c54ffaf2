"""Bytes that have arrived and nobody has read yet: where a receiver for many hands them to one reader."""

from __future__ import annotations

import asyncio
from collections import deque

_FILL = 1 << 18


class Inbox:
    """Never refuses a piece: who feeds it waits for room."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._is_over = False
        self._cut_off = ""
        self._changed = asyncio.Event()

    async def read(self) -> bytes:
        """The next piece; nothing after the end. Raises ConnectionError if it was cut off instead."""
        while not self._pieces:
            if self._cut_off:
                raise ConnectionResetError(self._cut_off)
            if self._is_over:
                return b""
            await self._change()
        piece = self._pieces.popleft()
        self._unread -= len(piece)
        self._changed.set()
        return piece

    def feed(self, piece: bytes) -> None:
        if piece and not self._is_over:
            self._pieces.append(piece)
            self._unread += len(piece)
            self._changed.set()

    def end(self) -> None:
        """Nothing more comes."""
        self._is_over = True
        self._changed.set()

    def cut_off(self, reason: str) -> None:
        """Nothing more comes, though the other side had not ended."""
        if not self._is_over:
            self._cut_off = reason
        self.end()

    def clear(self) -> None:
        """Drops what has not been read."""
        self._pieces.clear()
        self._unread = 0
        self._changed.set()

    async def until_there_is_room(self) -> None:
        while self._unread > _FILL:
            await self._change()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
