"""The supervisor: back-off, restarts, and what it does with a predecessor's processes. Real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from kubeadm import supervisor, units
from kubeadm.config import ClusterConfig
from kubeadm.supervised import Supervised
from kubeadm.supervisor import Child
from kubeadm.units import Unit

SLEEPER = Unit("sleeper", (sys.executable, "-c", "import signal; print('up', flush=True); signal.pause()"))


def test_restarts_back_off_doubling_and_start_over_after_a_steady_run() -> None:
    child = Child(Unit("a", ("true",)))
    delays = []
    for _ in range(4):
        child.started = 100.0
        child.ended(101.0)
        delays.append(round(child.due - 101.0, 1))
    child.started = 0.0
    child.ended(supervisor.STEADY + 1)
    assert delays == [0.2, 0.4, 0.8, 1.6]
    assert child.back_off == supervisor.FIRST_RESTART


@contextmanager
def starting(run_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor of what was saved there."""
    command = [sys.executable, "-m", "kubeadm.supervisor", str(run_dir), str(run_dir)]
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        supervisor.end_strays(run_dir)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    units.save(tmp_path, [SLEEPER])
    with starting(tmp_path) as process:
        yield tmp_path, process


def wait_for_lines(path: Path, count: int) -> None:
    """Follows the log until the process has come up so many times."""
    with subprocess.Popen(
        ["tail", "-n", "+1", "-F", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as tail:
        assert tail.stdout is not None
        for _ in range(count):
            assert tail.stdout.readline() == b"up\n"
        tail.kill()


def pid_of(run_dir: Path, name: str = "sleeper", *, former: int = 0) -> int:
    """Of a process that has come up; the supervisor may be about to write it down."""
    while True:
        with suppress(FileNotFoundError, ValueError):
            if (pid := int((run_dir / f"{name}.pid").read_text())) != former:
                return pid
        time.sleep(0.01)


def test_a_killed_process_is_started_again(running: tuple[Path, subprocess.Popen[bytes]]) -> None:
    run_dir, _ = running
    wait_for_lines(run_dir / "sleeper.log", 1)
    first = pid_of(run_dir)
    os.kill(first, signal.SIGKILL)
    wait_for_lines(run_dir / "sleeper.log", 2)
    second = pid_of(run_dir, former=first)
    assert Path(f"/proc/{second}").exists()


def test_stopping_the_supervisor_stops_its_processes(running: tuple[Path, subprocess.Popen[bytes]]) -> None:
    run_dir, process = running
    wait_for_lines(run_dir / "sleeper.log", 1)
    pid = pid_of(run_dir)
    process.terminate()
    assert process.wait(60) == 0
    assert not Path(f"/proc/{pid}").exists()
    assert not supervisor.is_running(run_dir)


def test_strays_of_a_killed_supervisor_are_ended(running: tuple[Path, subprocess.Popen[bytes]]) -> None:
    run_dir, process = running
    wait_for_lines(run_dir / "sleeper.log", 1)
    pid_of(run_dir)
    process.kill()
    process.wait()
    assert supervisor.end_strays(run_dir) == ["sleeper"]


def test_a_program_that_is_not_there_yet_keeps_no_other_from_running(tmp_path: Path) -> None:
    program = tmp_path / "late"
    units.save(tmp_path, [Unit("late", (str(program),)), SLEEPER])
    with starting(tmp_path):
        wait_for_lines(tmp_path / "sleeper.log", 1)
        program.write_text("#!/bin/sh\necho up\n")
        program.chmod(0o755)
        wait_for_lines(tmp_path / "late.log", 1)


def test_what_is_to_run_in_another_way_has_ended_before_anybody_asks_its_successor(tmp_path: Path) -> None:
    config = ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="10.0.0.1")
    config.run_dir.mkdir()
    slow = "import signal, sys, time; signal.signal(15, lambda *_: (time.sleep(0.3), sys.exit()));"
    units.save(
        config.run_dir,
        [Unit("slow", (sys.executable, "-c", f"{slow} print('up', flush=True); signal.pause()"))],
    )
    with starting(config.run_dir):
        wait_for_lines(config.run_dir / "slow.log", 1)
        former = pid_of(config.run_dir, "slow")
        assert Supervised(config).apply([replace(SLEEPER, name="slow")]) == ["slow"]
        assert supervisor.wait_for_end(former, 0)
        wait_for_lines(config.run_dir / "slow.log", 2)


def test_whoever_may_only_read_can_ask_whether_a_supervisor_runs(tmp_path: Path) -> None:
    assert not supervisor.is_running(tmp_path)
    assert not (tmp_path / "supervisor.lock").exists()  # nothing was opened for writing
    with supervisor.lock(tmp_path):
        assert supervisor.is_running(tmp_path)
    assert not supervisor.is_running(tmp_path)
