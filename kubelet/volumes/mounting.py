"""Mounting, and removing directories in which something may be mounted. Errors are upstream's texts."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kubelet.volumes.errors import MountError

MOUNTS = Path("/proc/self/mounts")
_MNT_DETACH = 2
_LIBC = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str, options: Sequence[str]) -> None:
    """Raises MountError."""
    arguments = ["-t", kind, *(("-o", ",".join(options)) if options else ()), source, str(target)]
    try:
        done = subprocess.run(["mount", *arguments], check=False, capture_output=True, text=True)
    except OSError as error:
        raise MountError(f"mount failed: {error}") from error
    if done.returncode:
        raise MountError(
            f"mount failed: exit status {done.returncode}\n"
            f"Mounting command: mount\nMounting arguments: {' '.join(arguments)}\n"
            f"Output: {(done.stderr or done.stdout).strip()}\n"
        )


def mount_memory(target: Path, size: int) -> None:
    """A tmpfs of at most `size` bytes; 0 is the kernel's own limit, half of all memory.

    Nearly every pod has one: the system call is made here, a program for it would take longer than all else.
    Raises MountError.
    """
    options = f"size={size}" if size else ""
    if _LIBC.mount(b"tmpfs", os.fsencode(target), b"tmpfs", 0, options.encode()):
        raise MountError(f"mount of tmpfs failed: {os.strerror(ctypes.get_errno())}: {target}")


def mounted_below(directory: Path) -> list[Path]:
    """The mount points in a directory or on it, the innermost first."""
    points = [Path(_unescaped(line.split()[1])) for line in MOUNTS.read_text().splitlines()]
    return sorted((each for each in points if each.is_relative_to(directory)), reverse=True)


def _unescaped(field: str) -> str:
    """/proc writes blanks and backslashes as octal numbers."""
    return field.encode().decode("unicode_escape").encode("latin-1").decode(errors="surrogateescape")


def remove_tree(directory: Path) -> None:
    """Unmounts what is mounted there, and deletes the rest; never what belongs to a mounted volume.

    Raises OSError for what can't be deleted.
    """
    for point in mounted_below(directory):
        # At once, though a process may still be in it, or the server of it be away.
        _LIBC.umount2(os.fsencode(point), _MNT_DETACH)
    if left := mounted_below(directory):
        raise OSError(errno.EBUSY, "still mounted", str(left[0]))
    shutil.rmtree(directory, onerror=_unless_gone)


def _unless_gone(function: object, path: str, info: tuple[type, BaseException, object]) -> None:
    if not isinstance(info[1], FileNotFoundError):
        raise info[1]
