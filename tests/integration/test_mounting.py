"""What is mounted in a pod's directory goes with it; what it shows of elsewhere stays."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kubelet.volumes.devices import mount_device
from kubelet.volumes.errors import MountError
from kubelet.volumes.mounting import MOUNTS, mount, mount_memory, mounted_below, remove_tree

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")


def test_a_directory_goes_with_its_mounts_and_without_what_they_show(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "data").write_text("42")
    directory = tmp_path / "pod"
    memory, shown = directory / "memory", directory / "memory" / "with a blank"
    memory.mkdir(parents=True)
    mount("tmpfs", memory, "tmpfs", ["size=1m"])
    shown.mkdir()
    subprocess.run(["mount", "--bind", str(precious), str(shown)], check=True)
    assert mounted_below(directory) == [shown, memory]
    remove_tree(directory)
    assert mounted_below(directory) == []
    assert not directory.exists()
    assert (precious / "data").read_text() == "42"
    remove_tree(directory)  # twice is harmless


@pytest.mark.parametrize("size", [1 << 20, 0])
def test_memory_is_a_file_system_of_its_size(tmp_path: Path, size: int) -> None:
    target = tmp_path / "pods" / "memory"
    target.mkdir(parents=True)
    mount_memory(target, size)
    (line,) = (each for each in MOUNTS.read_text().splitlines() if each.split()[1] == str(target))
    assert line.split()[2] == "tmpfs"
    assert target.stat().st_mode & 0o7777 == 0o1777
    space = os.statvfs(target)
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert space.f_blocks * space.f_frsize == size or 0 < space.f_blocks * space.f_frsize < total
    remove_tree(tmp_path / "pods")
    assert not target.exists()


def test_memory_that_cannot_be_mounted_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        MountError, match=f"^mount of tmpfs failed: No such file or directory: {tmp_path}/no$"
    ):
        mount_memory(tmp_path / "no", 1 << 20)


def test_a_mount_that_fails_says_how_it_was_tried(tmp_path: Path) -> None:
    with pytest.raises(MountError) as caught:
        mount("server:/export", tmp_path, "nosuchfs", ["ro", "vers=4"])
    first, command, arguments, output = str(caught.value).split("\n", 3)
    assert first.startswith("mount failed: exit status ")
    assert command == "Mounting command: mount"
    assert arguments == f"Mounting arguments: -t nosuchfs -o ro,vers=4 server:/export {tmp_path}"
    assert output.startswith("Output: mount: ")


@pytest.fixture
def device(tmp_path: Path) -> Iterator[str]:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"no loop device is to be had: {made.stderr}")
    yield made.stdout.strip()
    remove_tree(tmp_path / "pods")
    subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


def test_a_device_gets_a_file_system_once_and_all_pods_share_it(tmp_path: Path, device: str) -> None:
    targets = [tmp_path / "pods" / name for name in ("a", "b", "c")]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda target: mount_device(device, target, "", []), targets[:2]))
    (targets[0] / "file").write_text("42")
    assert (targets[1] / "file").read_text() == "42"
    mount_device(device, targets[0], "", [])
    assert len(mounted_below(tmp_path / "pods")) == 2
    remove_tree(tmp_path / "pods")
    mount_device(device, targets[2], "ext4", ["noatime"])
    assert (targets[2] / "file").read_text() == "42"
    assert "noatime" in next(line for line in MOUNTS.read_text().splitlines() if str(targets[2]) in line)


def test_why_a_device_is_not_mounted(tmp_path: Path, device: str) -> None:
    target = tmp_path / "pods" / "a"
    with pytest.raises(MountError) as caught:
        mount_device(device, target, "", ["ro"])
    assert str(caught.value) == (
        f"local: failed to mount device {device} at {target} (fstype: ext4), error cannot mount unformatted "
        f"disk {device} as we are manipulating it in read-only mode"
    )
    assert caught.value.stage == "MountVolume.MountDevice"
    with pytest.raises(MountError, match="in read-only mode"):
        mount_device(device, target, "", [], read_only=True)
    with pytest.raises(MountError, match=r"error mkfs\.nosuch failed: "):
        mount_device(device, target, "nosuch", [])
    subprocess.run(["mkfs.ext4", "-q", device], check=True)
    with pytest.raises(MountError, match="error mount failed: exit status 32"):
        mount_device(device, target, "xfs", [])
