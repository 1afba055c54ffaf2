"""The kernel's files of cgroups: the seam between its version 1 and 2, and what these share.

Every method blocks for as long as the kernel needs, and raises OSError as the kernel does.
"""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from kubelet.cgroups.limits import Limits


class CgroupFiles(Protocol):
    """Paths are relative to the top of the tree."""

    page_sizes: list[int]
    """Of huge pages that can be limited, in bytes."""

    def exists(self, path: str) -> bool: ...
    def create(self, path: str) -> None:
        """With all above it. What is there stays."""

    def write(self, path: str, limits: Limits) -> None: ...
    def limit_hugepages(self, path: str, amounts: Mapping[int, int]) -> None:
        """Bytes by page size, of a cgroup that is made where it is missing."""

    def remove(self, path: str) -> None:
        """With all below it, in which no process may be: EBUSY. What is gone already is success."""

    def kill(self, path: str) -> set[int]:
        """Whatever runs in it or below it; returns the processes."""

    def children(self, path: str) -> list[str]:
        """The paths of those directly below."""


def huge_page_sizes(directory: Path = Path("/sys/kernel/mm/hugepages")) -> list[int]:
    """In bytes."""
    names = (each.name for each in directory.glob("hugepages-*kB"))
    return sorted(int(name.removeprefix("hugepages-").removesuffix("kB")) * 1024 for name in names)


def shown_page_size(size: int) -> str:
    """As the kernel names its files: 2MB, 1GB."""
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB")):
        if size >= unit:
            return f"{size // unit}{name}"
    return f"{size >> 10}KB"


def write_file(path: Path, text: str) -> None:
    """Never makes a file: where the kernel has none, the limit can't be had."""
    with open(path, "r+") as file:
        file.write(text)


def remove_directory(directory: Path) -> None:
    """The innermost first. A cgroup's files are the kernel's and go with it."""
    for each in (*below(directory), directory):
        with suppress(FileNotFoundError):
            each.rmdir()


def kill_processes(directory: Path) -> set[int]:
    """Of a cgroup and all below it. Of processes outside of our pid namespace the kernel tells 0."""
    found = {pid for each in (directory, *below(directory)) for pid in _processes(each)} - {0}
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _processes(directory: Path) -> list[int]:
    try:
        return [int(pid) for pid in (directory / "cgroup.procs").read_text().split()]
    except FileNotFoundError:
        return []


def below(directory: Path) -> Iterator[Path]:
    """Its directories at all depths, the innermost first."""
    for each in directories(directory):
        yield from below(each)
        yield each


def directories(directory: Path) -> list[Path]:
    try:
        return [each for each in directory.iterdir() if each.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def is_forbidden(error: OSError) -> bool:
    """Whether this machine will never let us, rather than not now."""
    return error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
