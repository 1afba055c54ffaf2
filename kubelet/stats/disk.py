"""What directories take on disk, and what is left of file systems."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

BLOCK = 512


@dataclass(frozen=True, slots=True)
class DiskUsage:
    bytes: int = 0
    inodes: int = 0

    def __add__(self, other: DiskUsage) -> DiskUsage:
        return DiskUsage(self.bytes + other.bytes, self.inodes + other.inodes)


NO_DISK = DiskUsage()


def total(usages: Iterable[DiskUsage]) -> DiskUsage:
    return sum(usages, NO_DISK)


@dataclass(frozen=True, slots=True)
class Filesystem:
    """Bytes and inodes, and what of them is left."""

    capacity: int
    available: int
    """To users other than root."""
    free: int
    inodes: int
    inodes_free: int

    @property
    def used(self) -> DiskUsage:
        return DiskUsage(self.capacity - self.free, self.inodes - self.inodes_free)


def _existing(path: Path) -> Path:
    return next(each for each in [path, *path.parents] if each.exists())


def on_one_filesystem(one: Path, other: Path) -> bool:
    return _existing(one).stat().st_dev == _existing(other).stat().st_dev


def filesystem_of(path: Path) -> Filesystem:
    """Of the path, or of the nearest folder above it that exists."""
    stat = os.statvfs(_existing(path))
    return Filesystem(
        capacity=stat.f_blocks * stat.f_frsize,
        available=stat.f_bavail * stat.f_frsize,
        free=stat.f_bfree * stat.f_frsize,
        inodes=stat.f_files,
        inodes_free=stat.f_favail,
    )


def measure(directory: Path) -> DiskUsage:
    """As `du -x` counts: blocks in use, a file with several names once, nothing that is mounted within."""
    try:
        device = directory.lstat().st_dev
    except OSError:
        return DiskUsage()
    size, seen = 0, set()
    for folder, folders, files in os.walk(directory):
        for name in ("", *files):
            try:
                stat = os.lstat(os.path.join(folder, name) if name else folder)
            except OSError:
                continue  # gone meanwhile
            if stat.st_dev != device:
                folders.clear()
                break
            if stat.st_ino not in seen:
                seen.add(stat.st_ino)
                size += stat.st_blocks * BLOCK
    return DiskUsage(size, len(seen))


def measure_files(paths: Iterable[Path]) -> DiskUsage:
    """Single files; what is gone counts nothing."""
    found = DiskUsage()
    for path in paths:
        try:
            found += DiskUsage(path.stat().st_blocks * BLOCK, 1)
        except OSError:
            continue
    return found
