"""What is mounted in a pod's directory goes with it; what it shows of elsewhere stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from kubelet.volumes.errors import MountError
from kubelet.volumes.mounting import mount, mounted_below, remove_tree

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


def test_a_mount_that_fails_says_how_it_was_tried(tmp_path: Path) -> None:
    with pytest.raises(MountError) as caught:
        mount("server:/export", tmp_path, "nosuchfs", ["ro", "vers=4"])
    first, command, arguments, output = str(caught.value).split("\n", 3)
    assert first.startswith("mount failed: exit status ")
    assert command == "Mounting command: mount"
    assert arguments == f"Mounting arguments: -t nosuchfs -o ro,vers=4 server:/export {tmp_path}"
    assert output.startswith("Output: mount: ")
