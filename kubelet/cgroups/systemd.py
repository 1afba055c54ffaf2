"""Makes and changes slices through systemd's bus.

Limits are told to systemd rather than written into the kernel's files: what it has not set it takes back.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

from kubelet.cgroups.limits import Limits
from kubelet.cgroups.v2 import weight

INFINITY = 2**64 - 1
_BUS = (
    "busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
    "org.freedesktop.systemd1.Manager",
)  # fmt: skip


def run_busctl(command: list[str]) -> None:
    """Raises OSError with systemd's words."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"systemd: {done.stderr.strip()}")


class Systemd:
    def __init__(self, is_unified: bool, run: Callable[[list[str]], None] = run_busctl) -> None:
        self._is_unified = is_unified
        self._run = run

    def set_up_slice(self, unit: str, limits: Limits, *, known: bool) -> None:
        """Raises OSError."""
        properties = list(properties_of(limits, is_unified=self._is_unified))
        count, words = str(len(properties)), [word for each in properties for word in each]
        if known:
            self._run([*_BUS, "SetUnitProperties", "sba(sv)", unit, "true", count, *words])
        else:
            self._run([*_BUS, "StartTransientUnit", "ssa(sv)a(sa(sv))", unit, "replace", count, *words, "0"])

    def stop_slice(self, unit: str) -> None:
        """Raises OSError."""
        self._run([*_BUS, "StopUnit", "ss", unit, "replace"])


def properties_of(limits: Limits, *, is_unified: bool) -> Iterator[tuple[str, str, str]]:
    """(name, signature, value). Quotas are told as microseconds a second."""
    yield ("CPUWeight", "t", str(weight(limits.cpu_shares))) if is_unified else (
        "CPUShares", "t", str(limits.cpu_shares)
    )  # fmt: skip
    yield "CPUQuotaPerSecUSec", "t", str(limits.cpu_quota * 10 or INFINITY)
    yield "MemoryMax" if is_unified else "MemoryLimit", "t", str(limits.memory or INFINITY)
    yield "TasksMax", "t", str(limits.pids or INFINITY)
