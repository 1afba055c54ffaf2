"""Changes in a folder as the kernel's inotify tells them, without a thread."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger(__name__)

_CLOSE_WRITE, _MOVED_FROM, _MOVED_TO, _DELETE = 0x8, 0x40, 0x80, 0x200
_EVENTS = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _DELETE
"""A file that is being written is no news until it is closed."""
_BUFFER = 64 * 1024


class FolderWatch:
    """Of one folder. `arm`, look, `changed`: nothing that happens after `arm` is missed.

    Where the kernel has no watch left to give, every look has to wait for its limit.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0:
            log.warning("Folders are not watched: error=%s", os.strerror(ctypes.get_errno()))

    def arm(self, folder: Path) -> None:
        """Again is harmless; a folder that is not there is not watched."""
        if self._descriptor >= 0:
            self._libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _EVENTS)

    async def changed(self, limit: float) -> None:
        """Returns when something has changed, or after `limit` seconds."""
        if self._descriptor < 0:
            return await asyncio.sleep(limit)
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._descriptor, readable.set)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await readable.wait()
                os.read(self._descriptor, _BUFFER)
        finally:
            loop.remove_reader(self._descriptor)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
