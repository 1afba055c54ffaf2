"""A container's log through Docker's API: options turned into its query, frames into lines of bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from kubelet.runtime.docker.connection import Connection, Connector, Request, path_of
from kubelet.runtime.docker.streams import STDOUT, Demultiplexer
from kubelet.runtime.interface import LogOptions

_STAMP = len("2006-01-02T15:04:05.000000000Z ")
_ENTRY = 16 * 1024
"""Docker cuts lines that are longer into several entries."""


def logs_path(docker_id: str, options: LogOptions) -> str:
    return path_of(
        f"/containers/{docker_id}/logs",
        stdout=options.stream != "Stderr",
        stderr=options.stream != "Stdout",
        follow=options.follow,
        timestamps=options.timestamps,
        tail="all" if options.tail is None else options.tail,
        since=f"{options.since:.9f}" if options.since else None,
    )


async def open_logs(
    connector: Connector, docker_id: str, options: LogOptions, *, tty: bool
) -> AsyncIterator[bytes]:
    connection = await connector.open(Request("GET", logs_path(docker_id, options)))
    return _read(connection, options, tty=tty)


async def _read(connection: Connection, options: LogOptions, *, tty: bool) -> AsyncIterator[bytes]:
    left, text_of = options.limit_bytes, LogText(tty=tty, timestamps=options.timestamps)
    async with connection:
        async for piece in connection.pieces():
            text = text_of.feed(piece)
            if left is not None:
                text = text[:left]
                left -= len(text)
            if text:
                yield text
            if left == 0:
                return


class LogText:
    """What a piece of a log off the wire reads: its entries are passed on together, not one by one."""

    def __init__(self, *, tty: bool, timestamps: bool) -> None:
        self._frames = None if tty else Demultiplexer()
        self._stamps = Stamps() if timestamps else None

    def feed(self, piece: bytes) -> bytes:
        entries = self._frames.feed(piece) if self._frames else ((STDOUT, piece),)
        if self._stamps is None:
            return b"".join(data for _, data in entries)
        return b"".join(self._stamps.once_a_line(stream, data) for stream, data in entries)


class Stamps:
    """Takes all timestamps of a long line but the first: Docker stamps each entry, Kubernetes each line."""

    def __init__(self) -> None:
        self._streams: dict[int, _Entry] = {}

    def once_a_line(self, stream: int, data: bytes) -> bytes:
        entry = self._streams.setdefault(stream, _Entry())
        kept = []
        while data:
            piece, data, is_wanted = entry.take(data)
            if is_wanted:
                kept.append(piece)
        return b"".join(kept)


class _Entry:
    """Where in an entry of one stream we are."""

    def __init__(self) -> None:
        self._stamp_left = _STAMP
        self._text_left = _ENTRY
        self._goes_on = False
        """Whether the entry before ended in the middle of a line."""

    def take(self, data: bytes) -> tuple[bytes, bytes, bool]:
        """The rest of the stamp or of the text, what comes after it, and whether the first is to be kept."""
        if self._stamp_left:
            stamp, rest = data[: self._stamp_left], data[self._stamp_left :]
            self._stamp_left -= len(stamp)
            return stamp, rest, not self._goes_on
        end = data.find(b"\n", 0, self._text_left) + 1 or min(len(data), self._text_left)
        text, rest = data[:end], data[end:]
        self._text_left -= len(text)
        ends_line = text.endswith(b"\n")
        if ends_line or not self._text_left:
            self._stamp_left, self._text_left, self._goes_on = _STAMP, _ENTRY, not ends_line
        return text, rest, True
