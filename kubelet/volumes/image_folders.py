"""Images as volumes: one read-only copy of an image's files for all pods of the node that mount it.

A link in the pod's own directory says that it uses the copy: a copy that nothing links to is taken away.
Links are there before the copy is, and go with the pod's volumes: a kubelet that died leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from weakref import WeakValueDictionary

from kubelet.volumes.mounted import MountedVolume

log = logging.getLogger(__name__)

PLUGIN = "kubernetes.io~image"
_UNFINISHED = ".part"

CopyFiles = Callable[[str, Path], Awaitable[None]]
"""Fills an empty folder with the files of the image of this id. Raises ContainerRuntimeError."""


class ImageFolders:
    """Copies under `root`/image-volumes, links under `root`/pods. Each image has its turn by itself."""

    def __init__(self, root: Path, copy_files: CopyFiles) -> None:
        self._copies = root / "image-volumes"
        self._pods = root / "pods"
        self._copy_files = copy_files
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Of copies that are made or removed, by name."""

    async def set_up(self, uid: str, volume: str, image_id: str) -> MountedVolume:
        """Raises ContainerRuntimeError, OSError."""
        name = image_id.rpartition(":")[2]
        copy, link = self._copies / name, self._pods / uid / "volumes" / PLUGIN / volume / name
        _link(link, copy)
        async with self._turn(name):
            try:
                if not copy.is_dir():
                    await self._make(copy, image_id)
            finally:
                if not link.is_symlink():  # the pod has ended meanwhile
                    await asyncio.to_thread(self._remove, name)
        return MountedVolume(str(copy), read_only=True, is_image=True)

    async def collect(self) -> None:
        """Removes what no pod uses any more, and what was broken off; whoever has a turn sees to its own."""
        for name in await asyncio.to_thread(self._unused):
            turn = self._turn(name)
            if turn.locked():
                continue
            async with turn:
                try:
                    await asyncio.to_thread(self._remove, name)
                except OSError as error:
                    log.warning("Copy of an image not removed: name=%s error=%s", name, error)

    def _turn(self, name: str) -> asyncio.Lock:
        return self._turns.setdefault(name, asyncio.Lock())

    async def _make(self, copy: Path, image_id: str) -> None:
        """Beside the files is room for what they are made of."""
        unfinished = copy.with_name(copy.name + _UNFINISHED)
        await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
        files = unfinished / "files"
        files.mkdir(parents=True)
        await self._copy_files(image_id, files)
        files.rename(copy)
        await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)

    def _unused(self) -> set[str]:
        return {each.name.removesuffix(_UNFINISHED) for each in _entries(self._copies)} - set(self._linked())

    def _remove(self, name: str) -> None:
        """Unless it is used again. Raises OSError."""
        if name in self._linked():
            return
        for each in (self._copies / name, self._copies / f"{name}{_UNFINISHED}"):
            if each.is_dir():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)

    def _linked(self) -> Iterator[str]:
        """The names of copies in use. Of pods that end meanwhile links and folders go at any moment."""
        for pod in _entries(self._pods):
            for link in chain.from_iterable(map(_entries, _entries(pod / "volumes" / PLUGIN))):
                with suppress(FileNotFoundError):
                    yield Path(os.readlink(link)).name


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
