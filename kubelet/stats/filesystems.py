"""The file systems of this machine, and what has passed to and from their devices.

Source: `processMounts` and `getDiskStatsMap` of cAdvisor 0.52.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kubelet.stats.disk import Filesystem, filesystem_of

_KINDS = ("btrfs", "overlay", "tmpfs", "xfs", "zfs")
_FAMILIES = ("ext", "nfs")
_ESCAPE = re.compile(r"\\([0-7]{3})")
_OF_CONTAINERS = re.compile(r"/containers/[0-9a-f]{64}/|/pods/[0-9a-f-]{36}/")


class Mount(NamedTuple):
    device: str
    """As cAdvisor calls it: of tmpfs it is the place, of overlay one of its own."""
    place: str
    number: str
    """`major:minor`."""


class DiskIo(NamedTuple):
    """Since the machine's start; milliseconds. In /proc/diskstats' order."""

    reads: int = 0
    reads_merged: int = 0
    sectors_read: int = 0
    reading: int = 0
    writes: int = 0
    writes_merged: int = 0
    sectors_written: int = 0
    writing: int = 0
    in_progress: int = 0
    busy: int = 0
    weighted: int = 0


NO_IO = DiskIo()


@dataclass(frozen=True, slots=True)
class MountedFilesystem:
    device: str
    space: Filesystem
    io: DiskIo = NO_IO


def inspect_filesystems(proc: Path = Path("/proc")) -> list[MountedFilesystem]:
    """Blocks. Where the kernel tells nothing of disks, nothing has passed."""
    disks: dict[str, DiskIo] = {}
    with suppress(FileNotFoundError):
        disks = parse_diskstats((proc / "diskstats").read_text())
    found = []
    for each in parse_mounts((proc / "self/mountinfo").read_text()):
        with suppress(OSError):
            space = filesystem_of(Path(each.place))
            found.append(MountedFilesystem(each.device, space, disks.get(each.number, NO_IO)))
    return found


def parse_mounts(mountinfo: str) -> list[Mount]:
    """Each device where it is first mounted; what holds no files, or is a container's own, is left out.

    Upstream's kubelet knows those mounts that were there when it started.
    """
    found: dict[str, Mount] = {}
    for line in mountinfo.splitlines():
        mount, _, source = line.partition(" - ")
        number, place = mount.split()[2], _unescaped(mount.split()[4])
        kind, device = map(_unescaped, source.split()[:2])
        if (kind not in _KINDS and not kind.startswith(_FAMILIES)) or _is_of_container(kind, place):
            continue
        if kind == "tmpfs":
            device = place
        elif kind == "overlay":
            device = f"{device}_{number.replace(':', '-')}"
        found.setdefault(device, Mount(device, place, number))
    return list(found.values())


def _unescaped(word: str) -> str:
    """Blanks and the like are three octal digits."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), word)


def _is_of_container(kind: str, place: str) -> bool:
    return (kind == "overlay" and place != "/") or (kind == "tmpfs" and bool(_OF_CONTAINERS.search(place)))


def parse_diskstats(text: str) -> dict[str, DiskIo]:
    """By `major:minor`."""
    lines = (line.split() for line in text.splitlines())
    return {f"{each[0]}:{each[1]}": DiskIo(*map(int, each[3:14])) for each in lines if len(each) >= 14}
