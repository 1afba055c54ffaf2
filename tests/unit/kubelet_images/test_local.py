"""The images that are made on the machine: what is in them, and that the pause program does its one job."""

from __future__ import annotations

import io
import platform
import shutil
import signal
import subprocess
import tarfile

import pytest

from kubelet.images import local
from kubelet.images.pause import UnknownMachineError, pause_program


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_pause_program_is_a_small_elf(machine):
    program = pause_program(machine)
    assert program.startswith(b"\x7fELF")
    assert len(program) < 300


def test_unknown_machine_is_named():
    with pytest.raises(UnknownMachineError, match="riscv64"):
        pause_program("riscv64")


@pytest.mark.skipif(platform.machine() != "x86_64", reason="runs the program of this machine")
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_pause_waits_until_it_is_told_to_end(tmp_path, end):
    path = tmp_path / "pause"
    path.write_bytes(pause_program(platform.machine()))
    path.chmod(0o755)
    with subprocess.Popen([path]) as process:
        process.send_signal(signal.SIGCHLD)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.05)
        process.send_signal(end)
        assert process.wait(5) == 0


@pytest.mark.skipif(shutil.which("busybox") is None, reason="needs busybox-static")
def test_busybox_layer_has_a_link_for_each_applet_and_is_the_same_each_time():
    layer = local.busybox_layer()
    assert layer == local.busybox_layer()
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for applet in ("sh", "httpd", "nc", "wget", "nslookup"):
            assert archive.getmember(f"bin/{applet}").linkname == "bin/busybox"
        assert archive.getmember("tmp").mode == 0o1777
