"""What the machine is: processors, memory, disk, addresses, identity.

The only module that reads /proc and /sys for it.
"""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from pathlib import Path

from kubelet.eviction.thresholds import (
    IMAGEFS,
    IMAGEFS_INODES,
    MEMORY,
    NODEFS,
    NODEFS_INODES,
    PIDS,
    Observation,
)
from kubelet.stats.disk import filesystem_of

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
    cores: int = 0
    """Of all sockets together; a core may be several of `cpus`."""
    sockets: int = 0


_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
}


def inspect_machine(root_dir: Path) -> Machine:
    disk = filesystem_of(root_dir)
    meminfo = _meminfo()
    cores, sockets = count_cores()
    return Machine(
        cpus=os.cpu_count() or 1,
        memory=meminfo.get("MemTotal", 0),
        disk=disk.capacity,
        inodes=disk.inodes,
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
        cores=cores,
        sockets=sockets,
    )


def count_cores(cpus: Path = Path("/sys/devices/system/cpu")) -> tuple[int, int]:
    """Physical cores, and the sockets that they are in; zeros where the kernel does not tell."""
    cores = {
        (_text(str(each / "physical_package_id")), _text(str(each / "core_id")))
        for each in cpus.glob("cpu[0-9]*/topology")
    }
    return len(cores), len({socket for socket, _ in cores})


def has_apparmor() -> bool:
    return _text("/sys/module/apparmor/parameters/enabled").startswith("Y")


def observe_machine(root_dir: Path, image_dir: Path) -> dict[str, Observation]:
    """What is left, by eviction signal."""
    meminfo, nodefs, imagefs = _meminfo(), filesystem_of(root_dir), filesystem_of(image_dir)
    tasks = _text("/proc/loadavg").split("/")
    used = int(tasks[1].split()[0]) if len(tasks) > 1 else 0
    most = _number("/proc/sys/kernel/pid_max", 32768)
    return {
        MEMORY: Observation(meminfo.get("MemAvailable", 0), meminfo.get("MemTotal", 0)),
        NODEFS: Observation(nodefs.available, nodefs.capacity),
        NODEFS_INODES: Observation(nodefs.inodes_free, nodefs.inodes),
        IMAGEFS: Observation(imagefs.available, imagefs.capacity),
        IMAGEFS_INODES: Observation(imagefs.inodes_free, imagefs.inodes),
        PIDS: Observation(most - used, most),
    }


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
