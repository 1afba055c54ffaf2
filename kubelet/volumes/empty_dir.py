"""emptyDir: a directory of the pod's own, on disk, in memory or of huge pages.

What nobody should find on a disk (secrets, tokens) lies in one in memory, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from kubelet.cgroups.limits import limits_of_pod
from kubelet.volumes.mounting import mount

MEBIBYTE = 1024 * 1024
MEMORY = "Memory"

MountMemory = Callable[[Path, int], None]
"""`mounting.mount_memory`, where the machine lets us."""


def set_up_empty_dir(target: Path, medium: str, size: int, mount_memory: MountMemory) -> str:
    """The size, in bytes, is that of memory."""
    target.mkdir(parents=True, exist_ok=True)
    if medium and not _is_in_use(target):
        if medium == MEMORY:
            mount_memory(target, size)
        else:
            mount("nodev", target, "hugetlbfs", huge_page_options(medium))
    # mkdir's mode is subject to the umask, and everybody may write here.
    if target.stat().st_mode & 0o777 != 0o777:
        target.chmod(0o777)
    return str(target)


def _is_in_use(target: Path) -> bool:
    """Also one with files on disk, of an older kubelet: its pod would not see what is mounted over it."""
    return os.path.ismount(target) or any(target.iterdir())


def memory_size(pod: Object, size_limit: str | None, allocatable: Mapping[str, str]) -> int:
    """Bytes, 0 if nothing limits them: what the pod may use, and never more than all pods together.

    Source: calculateEmptyDirMemorySize in pkg/volume/emptydir/empty_dir.go.
    """
    limits = (
        Quantity.parse(allocatable.get("memory") or "0").value(),
        limits_of_pod(pod).memory,
        Quantity.parse(size_limit or "0").value(),
    )
    return min((each for each in limits if each > 0), default=0)


def huge_page_options(medium: str) -> list[str]:
    """Of `HugePages` (the machine's default size) or `HugePages-2Mi`."""
    _, _, size = medium.partition("-")
    return [f"pagesize={Quantity.parse(size).value() // MEBIBYTE}M"] if size else []
