"""Who owns the tree: the kubelet itself (driver cgroupfs), or systemd, which is asked for slices."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kubelet.cgroups import names
from kubelet.cgroups.files import CgroupFiles
from kubelet.cgroups.limits import Limits
from kubelet.cgroups.names import Name
from kubelet.cgroups.systemd import Systemd
from kubelet.cgroups.usage import parse_cgroups, parse_roots
from kubelet.cgroups.v1 import SeparateHierarchies, parse_mounts_v1, shared_trees
from kubelet.cgroups.v2 import UnifiedHierarchy, find_mount_v2

MOUNTS, MOUNTINFO, INIT = Path("/proc/mounts"), Path("/proc/self/mountinfo"), Path("/proc/1/cgroup")


class Driver(Protocol):
    """Every method but `parent` and `path` blocks, and raises OSError."""

    files: CgroupFiles

    def path(self, name: Name) -> str:
        """Where it is in the kernel's files."""

    def parent(self, name: Name) -> str:
        """What the engine is told of where its containers belong."""

    def apply(self, name: Name, limits: Limits) -> None:
        """Makes it where it is missing."""

    def remove(self, path: str) -> None: ...


class CgroupfsDriver:
    def __init__(self, files: CgroupFiles) -> None:
        self.files = files

    def path(self, name: Name) -> str:
        return names.directory(name)

    def parent(self, name: Name) -> str:
        return f"/{names.directory(name)}"

    def apply(self, name: Name, limits: Limits) -> None:
        self.files.create(self.path(name))
        self.files.write(self.path(name), limits)

    def remove(self, path: str) -> None:
        self.files.remove(path)


class SystemdDriver:
    """systemd has no words for huge pages: all limits are written to the files, too."""

    def __init__(self, files: CgroupFiles, systemd: Systemd, home: str = "") -> None:
        """`home` is where systemd's own tree begins, which in a container is not the top."""
        self.files = files
        self.systemd = systemd
        self._home = home

    def path(self, name: Name) -> str:
        return f"{self._home}/{names.slice_directory(name)}".lstrip("/")

    def parent(self, name: Name) -> str:
        return names.slice_of(name)

    def apply(self, name: Name, limits: Limits) -> None:
        known = self.files.exists(self.path(name))
        self.systemd.set_up_slice(names.slice_of(name), limits, known=known)
        self.files.create(self.path(name))
        self.files.write(self.path(name), limits)

    def remove(self, path: str) -> None:
        if self.files.exists(path):
            self.systemd.stop_slice(path.rpartition("/")[2])
        self.files.remove(path)
        if self._home:  # controllers that systemd does not manage may have no other home than the top
            self.files.remove(path.removeprefix(f"{self._home}/"))


def open_files(mounts: str, mountinfo: str = "") -> CgroupFiles:
    """Of the texts of /proc/mounts and mountinfo. Raises FileNotFoundError where there are no cgroups."""
    unified = find_mount_v2(mounts)
    if unified is not None:
        return UnifiedHierarchy(unified)
    separate = parse_mounts_v1(mounts)
    if "memory" not in separate and "cpu" not in separate:
        raise FileNotFoundError("failed to find cgroup mounts")
    return SeparateHierarchies(separate, shared_trees(parse_roots(mountinfo)))


def is_on_v1() -> bool:
    """Of this machine. Blocks, but not for long."""
    return find_mount_v2(MOUNTS.read_text()) is None


def open_own_files() -> CgroupFiles:
    """This machine's. Raises OSError."""
    return open_files(MOUNTS.read_text(), MOUNTINFO.read_text())


def open_systemd(files: CgroupFiles) -> SystemdDriver:
    systemd = Systemd(isinstance(files, UnifiedHierarchy))
    return SystemdDriver(files, systemd, systemd_home(INIT.read_text()))


def systemd_home(text: str) -> str:
    """Of the text of /proc/1/cgroup: where systemd, as PID 1, has begun its tree."""
    paths = parse_cgroups(text)
    return paths.get("memory", paths.get("", "/")).removesuffix("init.scope").strip("/")


def open_driver(kind: str) -> Driver:
    """`kind` is cgroupfs or systemd, as the engine says. Raises OSError."""
    files = open_own_files()
    return open_systemd(files) if kind == "systemd" else CgroupfsDriver(files)
