"""emptyDir: a directory of the pod's own, on disk or in memory."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from kubelet.volumes.payload import MountError


def set_up_empty_dir(target: Path, source: Object) -> str:
    target.mkdir(parents=True, exist_ok=True)
    if source.get("medium") == "Memory" and not os.path.ismount(target):
        _mount_tmpfs(target, source.get("sizeLimit"))
    # mkdir's mode is subject to the umask, and everybody may write here.
    if target.stat().st_mode & 0o777 != 0o777:
        target.chmod(0o777)
    return str(target)


def tear_down_mount(target: Path) -> None:
    """Memory is given back; a directory on disk goes with the pod's."""
    if os.path.ismount(target):
        subprocess.run(["umount", "-l", str(target)], check=False, capture_output=True)


def _mount_tmpfs(target: Path, size_limit: str | None) -> None:
    options = f"size={Quantity.parse(size_limit).value()}" if size_limit else "size=50%"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(target)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise MountError(f"mount failed: exit status {done.returncode}\nOutput: {done.stderr.strip()}")
