"""Tar archives through pipes: they are made and unpacked by tarfile while they travel.

tarfile blocks; it runs in a thread and meets the event loop at a pipe.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath

_PIECE = 1 << 16


async def packed(source: Path, name: str) -> AsyncIterator[bytes]:
    """The archive of a file or folder, whose members are called `name` and below."""
    reading, writing = os.pipe()

    def pack() -> None:
        with os.fdopen(writing, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as archive:
            archive.add(source, name)

    packing = asyncio.create_task(asyncio.to_thread(pack))
    with os.fdopen(reading, "rb") as pipe:
        while piece := await asyncio.to_thread(pipe.read1, _PIECE):
            yield piece
    await packing


class Unpacking:
    """Takes an archive in pieces and puts what it holds below a destination."""

    def __init__(self, source: str, destination: Path) -> None:
        self._prefix = PurePosixPath(source.lstrip("/") or ".")
        self._destination = destination
        self._reading, self._writing = os.pipe()
        self._task = asyncio.create_task(asyncio.to_thread(self._unpack))

    def feed(self, piece: bytes) -> None:
        view = memoryview(piece)
        while view:
            view = view[os.write(self._writing, view) :]

    async def finish(self) -> None:
        """Waits for the rest. Raises tarfile.TarError, OSError."""
        os.close(self._writing)
        await self._task

    def _unpack(self) -> None:
        with os.fdopen(self._reading, "rb") as pipe:
            try:
                with tarfile.open(fileobj=pipe, mode="r|") as archive:
                    for member in archive:
                        self._put(archive, member)
            finally:
                while pipe.read(_PIECE):
                    """Who feeds must not be left alone with a pipe that nobody reads."""

    def _put(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = target_of(member.name, self._prefix, self._destination)
        if path is None:
            print(f'warning: file "{member.name}" is outside target destination, skipping', file=sys.stderr)
        elif member.issym() or member.islnk():
            print(f'warning: skipping symlink: "{path}" -> "{member.linkname}"', file=sys.stderr)
        elif member.isdir():
            path.mkdir(parents=True, exist_ok=True)
        elif (content := archive.extractfile(member)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                while piece := content.read(_PIECE):
                    file.write(piece)


def target_of(member: str, prefix: PurePosixPath, destination: Path) -> Path | None:
    """Where a member of the archive of `prefix` belongs; None if that would be outside of the destination."""
    parts = PurePosixPath(member.lstrip("/")).parts
    own = prefix.parts
    if parts[: len(own)] != own or ".." in parts[len(own) :]:
        return None
    return destination.joinpath(*parts[len(own) :])
