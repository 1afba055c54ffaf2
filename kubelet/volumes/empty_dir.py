"""emptyDir: a directory of the pod's own, on disk, in memory or of huge pages."""

from __future__ import annotations

import os
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from kubelet.volumes.mounting import mount

MEBIBYTE = 1024 * 1024


def set_up_empty_dir(target: Path, source: Object) -> str:
    target.mkdir(parents=True, exist_ok=True)
    medium = source.get("medium") or ""
    if medium and not os.path.ismount(target):
        _mount(target, medium, source.get("sizeLimit"))
    # mkdir's mode is subject to the umask, and everybody may write here.
    if target.stat().st_mode & 0o777 != 0o777:
        target.chmod(0o777)
    return str(target)


def _mount(target: Path, medium: str, size_limit: str | None) -> None:
    if medium == "Memory":
        size = f"size={Quantity.parse(size_limit).value()}" if size_limit else "size=50%"
        mount("tmpfs", target, "tmpfs", [size])
    else:
        mount("nodev", target, "hugetlbfs", huge_page_options(medium))


def huge_page_options(medium: str) -> list[str]:
    """Of `HugePages` (the machine's default size) or `HugePages-2Mi`."""
    _, _, size = medium.partition("-")
    return [f"pagesize={Quantity.parse(size).value() // MEBIBYTE}M"] if size else []
