"""Images saved by the engine, and unpacked."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from kubelet.runtime.docker import saved_images
from kubelet.runtime.docker.connection import Connector, Request

LIMIT = 60.0


class Engine:
    """Saves an archive of one piece."""

    async def open(self, request: Request) -> Any:
        return self._answer()

    @asynccontextmanager
    async def _answer(self) -> AsyncIterator[Engine]:
        yield self

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"an archive"


async def test_nothing_is_written_any_more_when_who_asked_has_been_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one begins in the same folder."""
    began, may_end = threading.Event(), threading.Event()

    def unpack(archive: Path, folder: Path) -> None:
        began.set()
        assert may_end.wait(LIMIT)
        (folder / "file").write_bytes(archive.read_bytes())

    monkeypatch.setattr(saved_images, "unpack_image", unpack)
    folder = tmp_path / "files"
    folder.mkdir()
    copying = asyncio.create_task(saved_images.copy_files(cast(Connector, Engine()), "sha256:aa", folder))
    assert await asyncio.to_thread(began.wait, LIMIT)
    copying.cancel()
    await asyncio.sleep(0.01)
    is_over = copying.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert not is_over
    assert (folder / "file").read_bytes() == b"an archive"
