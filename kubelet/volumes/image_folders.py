"""Images as volumes: one read-only copy of an image's files for all pods of the node that mount it.

A link in the pod's own directory says that it uses the copy: a copy that nothing links to is taken away.
Links are there before the copy is, and go with the pod's volumes: a kubelet that died leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from kubelet.volumes.mounted import MountedVolume

PLUGIN = "kubernetes.io~image"
_UNFINISHED = ".part"

CopyFiles = Callable[[str, Path], Awaitable[None]]
"""Fills an empty folder with the files of the image of this id. Raises ContainerRuntimeError."""


class ImageFolders:
    """Copies under `root`/image-volumes, links under `root`/pods."""

    def __init__(self, root: Path, copy_files: CopyFiles) -> None:
        self._copies = root / "image-volumes"
        self._pods = root / "pods"
        self._copy_files = copy_files
        self._turn = asyncio.Lock()
        self._is_due = False
        """Whether who has the turn is to collect copies before it ends."""

    async def set_up(self, uid: str, volume: str, image_id: str) -> MountedVolume:
        """Raises ContainerRuntimeError, OSError."""
        name = image_id.rpartition(":")[2]
        copy = self._copies / name
        async with self._turn:
            _link(self._pods / uid / "volumes" / PLUGIN / volume / name, copy)
            try:
                if not copy.is_dir():
                    await self._make(copy, image_id)
            finally:
                await self._remove_unused()
        return MountedVolume(str(copy), read_only=True, is_image=True)

    async def collect(self) -> None:
        """Removes what no pod uses any more, and what was broken off; while a copy is made, after that."""
        self._is_due = True
        if not self._turn.locked():
            async with self._turn:
                await self._remove_unused()

    async def _make(self, copy: Path, image_id: str) -> None:
        unfinished = copy.with_suffix(_UNFINISHED)
        await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        await self._copy_files(image_id, unfinished)
        unfinished.rename(copy)

    async def _remove_unused(self) -> None:
        while self._is_due:
            self._is_due = False
            await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        used = set(self._linked())
        for each in _entries(self._copies):
            if each.is_dir() and each not in used:
                shutil.rmtree(each)
            elif not each.is_dir():
                each.unlink()

    def _linked(self) -> Iterator[Path]:
        """The copies in use. Of pods that end meanwhile links and folders go at any moment."""
        for pod in _entries(self._pods):
            for link in chain.from_iterable(map(_entries, _entries(pod / "volumes" / PLUGIN))):
                with suppress(FileNotFoundError):
                    yield Path(os.readlink(link))


def _entries(folder: Path) -> list[Path]:
    """None if it is not there, or no longer."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(target)
