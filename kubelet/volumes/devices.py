"""File systems on devices of the node: made where there is none, checked before they are mounted.

Each pod mounts the device anew, below its own directory, so that it goes with the pod's volumes. To Linux
that is one file system all the same.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import which

from kubelet.volumes.errors import MountError
from kubelet.volumes.mounting import mount, mounted_below

log = logging.getLogger(__name__)

DEFAULT_KIND = "ext4"
MOUNT_DEVICE = "MountVolume.MountDevice"
_MKFS_OPTIONS = {"ext3": ("-F", "-m0"), "ext4": ("-F", "-m0"), "xfs": ("-f",)}
_UNKNOWN = "unknown data, probably partitions"
_NOTHING_FOUND, _NOT_CORRECTED = 2, 4
"""Exit codes of blkid and of fsck."""


def mount_device(
    device: str, target: Path, kind: str, options: Sequence[str], *, read_only: bool = False
) -> None:
    """For a reader the device is left as it is, yet mounted for all: Linux has it one way only at a time.

    Raises MountError, OSError.
    """
    with _locked(device):
        if target in mounted_below(target):
            return
        try:
            _prepare(device, kind or DEFAULT_KIND, is_read_only=read_only or "ro" in options)
            target.mkdir(mode=0o750, parents=True, exist_ok=True)
            mount(device, target, kind or DEFAULT_KIND, [*options, "defaults"])
        except MountError as error:
            what = f"failed to mount device {device} at {target} (fstype: {kind or DEFAULT_KIND})"
            raise MountError(f"local: {what}, error {error}", MOUNT_DEVICE) from error


@contextmanager
def _locked(device: str) -> Iterator[None]:
    """Nobody looks for a file system while another makes it; udev heeds this lock, too."""
    with open(device, "rb") as file:
        flock(file, LOCK_EX)
        yield


def _prepare(device: str, kind: str, *, is_read_only: bool) -> None:
    if not _file_system_of(device):
        if is_read_only:
            reason = f"cannot mount unformatted disk {device} as we are manipulating it in read-only mode"
            raise MountError(reason)
        _format(device, kind)
    elif not is_read_only and not _is_mounted(device):
        _check(device)


def _file_system_of(device: str) -> str:
    """What is on the device, or ''."""
    done = _run("blkid", "-p", "-s", "TYPE", "-s", "PTTYPE", "-o", "export", device)
    if done.returncode not in (0, _NOTHING_FOUND):
        raise MountError(f"failed to get disk format of disk {device}: exit status {done.returncode}")
    try:
        return parse_blkid(done.stdout)
    except ValueError as error:
        raise MountError(f"failed to get disk format of disk {device}: {error}") from None


def parse_blkid(text: str) -> str:
    """What it has found, or ''. Raises ValueError for what another blkid says: that may be of data."""
    lines = [line.split("=") for line in text.splitlines() if line]
    if any(len(each) != 2 for each in lines):
        raise ValueError(f"blkid returns invalid output: {text}")
    found = dict(lines)
    return _UNKNOWN if found.get("PTTYPE") else found.get("TYPE", "")


def _format(device: str, kind: str) -> None:
    done = _run(f"mkfs.{kind}", *_MKFS_OPTIONS.get(kind, ()), device)
    if done.returncode:
        output = f"errcode:(exit status {done.returncode}) output:({done.stdout}{done.stderr})"
        raise MountError(f'format of disk "{device}" failed: type:("{kind}") {output}')


def _check(device: str) -> None:
    """Other complaints of fsck are left to mounting, as upstream does, and so is all where there is none."""
    if which("fsck") is None:
        log.warning("'fsck' not found on system; continuing mount without running 'fsck'.")
        return
    done = _run("fsck", "-a", device)
    if done.returncode == _NOT_CORRECTED:
        raise MountError(f"'fsck' found errors on device {device} but could not correct them: {done.stdout}")


def _is_mounted(device: str) -> bool:
    """Whatever it is called there: devices are known by their numbers."""
    number = os.stat(device).st_rdev
    wanted = f"{os.major(number)}:{os.minor(number)}"
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[2] == wanted for line in lines)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise MountError(f"{command[0]} failed: {error}") from error
