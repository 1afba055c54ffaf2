"""emptyDir: a directory of the pod's own, on disk or in memory."""

from __future__ import annotations

import os
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from kubelet.volumes.mounting import mount


def set_up_empty_dir(target: Path, source: Object) -> str:
    target.mkdir(parents=True, exist_ok=True)
    if source.get("medium") == "Memory" and not os.path.ismount(target):
        _mount_tmpfs(target, source.get("sizeLimit"))
    # mkdir's mode is subject to the umask, and everybody may write here.
    if target.stat().st_mode & 0o777 != 0o777:
        target.chmod(0o777)
    return str(target)


def _mount_tmpfs(target: Path, size_limit: str | None) -> None:
    size = f"size={Quantity.parse(size_limit).value()}" if size_limit else "size=50%"
    mount("tmpfs", target, "tmpfs", [size])
