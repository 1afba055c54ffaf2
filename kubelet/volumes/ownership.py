"""fsGroup: everything in a volume belongs to the group, which may read it, and new files do, too."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from apimachinery.objects import Object, get_path

READ_WRITE, READ_ONLY, EXECUTE = 0o660, 0o440, 0o110


def give_to_group(pod: Object, root: Path, *, read_only: bool) -> None:
    """What the pod's securityContext asks for, if anything."""
    group = get_path(pod, "spec.securityContext.fsGroup")
    if group is not None:
        policy = get_path(pod, "spec.securityContext.fsGroupChangePolicy")
        set_ownership(root, group, read_only=read_only, only_on_mismatch=policy == "OnRootMismatch")


def set_ownership(root: Path, group: int, *, read_only: bool, only_on_mismatch: bool = False) -> None:
    """Symbolic links themselves are chowned, never followed."""
    if only_on_mismatch and _is_right(root, group, read_only=read_only):
        return
    for path in [*root.rglob("*"), root]:  # the root last: it tells the next time that all is done
        _own(path, group, read_only=read_only)


def _is_right(root: Path, group: int, *, read_only: bool) -> bool:
    found = root.stat()
    wanted = (READ_ONLY if read_only else READ_WRITE) | EXECUTE | stat.S_ISGID
    return found.st_gid == group and found.st_mode & wanted == wanted


def _own(path: Path, group: int, *, read_only: bool) -> None:
    found = path.lstat()
    os.lchown(path, -1, group)
    if stat.S_ISLNK(found.st_mode):
        return
    mask = READ_ONLY if read_only else READ_WRITE
    if stat.S_ISDIR(found.st_mode):
        mask |= EXECUTE | stat.S_ISGID
    path.chmod(stat.S_IMODE(found.st_mode) | mask)
