"""The kernel's settings that Kubernetes wants of a node, and how they differ.

We leave them as they are. With `protectKernelDefaults` a kubelet does not start on a machine with others.

Source: setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

PROC_SYS = Path("/proc/sys")
_WANTED = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1_000_000,
    "kernel/keys/root_maxbytes": 25_000_000,
}


class KernelSettingsError(Exception):
    """All that is not as it should be."""


def check_kernel(root: Path = PROC_SYS) -> None:
    """Raises KernelSettingsError."""
    if found := list(_complaints(root)):
        words = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise KernelSettingsError(f"failed to start ContainerManager: {words}")


def _complaints(root: Path) -> Iterator[str]:
    for name, wanted in _WANTED.items():
        try:
            value = int((root / name).read_text())
        except (OSError, ValueError) as error:
            yield str(error)
            continue
        if value != wanted:
            yield f"invalid kernel flag: {name}, expected value: {wanted}, actual value: {value}"
