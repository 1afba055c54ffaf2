"""hostPath: a path of the node, checked or made as its type says."""

from __future__ import annotations

import stat
from pathlib import Path

from kubelet.volumes.errors import MountError

_CHECKS = {
    "Directory": (stat.S_ISDIR, "is not a directory"),
    "File": (stat.S_ISREG, "is not a file"),
    "Socket": (stat.S_ISSOCK, "is not a socket file"),
    "CharDevice": (stat.S_ISCHR, "is not a character device"),
    "BlockDevice": (stat.S_ISBLK, "is not a block device"),
}


def set_up_host_path(path: str, kind: str) -> str:
    """Raises MountError if the node has something else, or nothing, there.

    Without a type nothing is checked, and a missing path becomes a directory: upstream leaves that to the
    container runtime, and both containerd and dockershim make it.
    """
    target = Path(path)
    if kind in ("", "DirectoryOrCreate"):
        _make(target, directory=True)
    elif kind == "FileOrCreate":
        _make(target, directory=False)
    check = kind.removesuffix("OrCreate")
    if check in _CHECKS:
        _check(target, check)
    return path


def _make(target: Path, *, directory: bool) -> None:
    try:
        if target.exists():
            return
        if directory:
            target.mkdir(mode=0o755, parents=True)
        else:
            target.touch(mode=0o644)
    except OSError as error:
        raise MountError(f"{error.strerror.lower()}: {target}" if error.strerror else str(error)) from error


def _check(target: Path, kind: str) -> None:
    is_kind, complaint = _CHECKS[kind]
    try:
        mode = target.stat().st_mode
    except OSError:
        mode = 0
    if not is_kind(mode):
        raise MountError(f"hostPath type check failed: {target} {complaint}")
