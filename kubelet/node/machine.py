"""What the machine is: processors, memory, disk, addresses, identity.

The only module that reads /proc and /sys for it.
"""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Machine:
    cpus: int
    memory: int
    """Bytes."""
    disk: int
    """Bytes of the file system that holds the pods' data."""
    inodes: int = 0
    pids: int = 32768
    hugepages: tuple[tuple[str, int], ...] = ()
    """(suffix such as 2Mi, bytes)."""
    machine_id: str = ""
    system_uuid: str = ""
    boot_id: str = ""
    kernel: str = ""
    os_image: str = ""
    architecture: str = "amd64"
    hostname: str = "localhost"
    swap: int = 0


_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def inspect_machine(root_dir: Path) -> Machine:
    disk = os.statvfs(_existing(root_dir))
    meminfo = _meminfo()
    return Machine(
        cpus=os.cpu_count() or 1,
        memory=meminfo.get("MemTotal", 0),
        disk=disk.f_blocks * disk.f_frsize,
        inodes=disk.f_files,
        pids=_number("/proc/sys/kernel/pid_max", 32768),
        hugepages=_hugepages(),
        machine_id=_text("/etc/machine-id") or _text("/var/lib/dbus/machine-id"),
        system_uuid=_text("/sys/class/dmi/id/product_uuid").lower() or _text("/etc/machine-id"),
        boot_id=_text("/proc/sys/kernel/random/boot_id"),
        kernel=platform.release(),
        os_image=_os_image(),
        architecture=_ARCHITECTURES.get(platform.machine(), platform.machine()),
        hostname=socket.gethostname().strip().lower(),
        swap=meminfo.get("SwapTotal", 0),
    )


@dataclass(frozen=True, slots=True)
class Pressure:
    """What is left, for eviction signals."""

    memory_available: int
    disk_available: int
    inodes_available: int
    pids_used: int


def inspect_pressure(root_dir: Path) -> Pressure:
    disk = os.statvfs(_existing(root_dir))
    threads = _text("/proc/loadavg").split("/")
    used = int(threads[1].split()[0]) if len(threads) > 1 else 0
    return Pressure(_meminfo().get("MemAvailable", 0), disk.f_bavail * disk.f_frsize, disk.f_favail, used)


def _existing(path: Path) -> Path:
    return next(each for each in [path, *path.parents] if each.exists())


def _meminfo() -> dict[str, int]:
    """Bytes by name."""
    lines = _text("/proc/meminfo").splitlines()
    pairs = [line.partition(":") for line in lines if line.endswith("kB")]
    return {name: int(value.split()[0]) * 1024 for name, _, value in pairs}


def _hugepages() -> tuple[tuple[str, int], ...]:
    found = []
    for directory in sorted(Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB")):
        size = int(directory.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
        suffix = f"{size // (1024 * MIB)}Gi" if size >= 1024 * MIB else f"{size // MIB}Mi"
        found.append((suffix, size * _number(str(directory / "nr_hugepages"), 0)))
    return tuple(found)


def _os_image() -> str:
    for line in _text("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _number(path: str, default: int) -> int:
    text = _text(path)
    return int(text) if text.isdigit() else default


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
