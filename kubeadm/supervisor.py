"""Keeps a cluster's processes running on a machine without systemd: starts, restarts, pid files, logs.

Runs as its own small process (`python -m kubeadm.supervisor RUN_DIR`), which imports nothing heavy. It reads
`RUN_DIR/components.json` once, holds a lock on `RUN_DIR/supervisor.lock` while it lives, and ends the
processes in reverse order on SIGTERM. Stopping a kubelet leaves its containers alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

FIRST_RESTART = 0.2
LONGEST_RESTART = 30.0
STEADY = 60.0
"""A process that ran so many seconds starts over with the first back-off."""
STOP_GRACE = 10.0
STOP_LIMIT = 60.0
LOG_LIMIT = 64 * 1024**2
ROTATE_EVERY = 30.0

WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


@dataclass(frozen=True, slots=True)
class Unit:
    """What is to run: an absolute command, so that it needs no PATH, and its working directory.

    `sockets` are files that a killed process leaves behind and that would keep the next one from starting.
    """

    name: str
    command: tuple[str, ...]
    folder: str = "/"
    sockets: tuple[str, ...] = ()

    def start(self, log: IO[bytes], *flags: str) -> subprocess.Popen[bytes]:
        """The process, in a session of its own; `flags` come after the command's own."""
        for socket in self.sockets:
            Path(socket).unlink(missing_ok=True)
        return subprocess.Popen(
            [*self.command, *flags],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=_unblock_signals,
        )


@dataclass(slots=True)
class Child:
    """One supervised process. `due` is the monotonic time of its next start while it is down."""

    unit: Unit
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    back_off: float = 0.0
    due: float = 0.0

    def ended(self, now: float) -> None:
        """Books the end of the process and when to start it again."""
        steady = now - self.started >= STEADY
        self.back_off = (
            FIRST_RESTART if steady or not self.back_off else min(self.back_off * 2, LONGEST_RESTART)
        )
        self.process, self.due = None, now + self.back_off


@dataclass(slots=True)
class Supervisor:
    """The only owner of the child processes; everything happens in `run`."""

    run_dir: Path
    log_dir: Path
    children: list[Child]
    stopping: bool = field(default=False)

    def run(self) -> None:
        """Until SIGTERM: start what is due, then wait for a child's end or the next due time."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        while not self.stopping:
            now = time.monotonic()
            for child in self.children:
                if child.process is None and child.due <= now:
                    self._start(child)
            self._rotate_logs()
            received = signal.sigtimedwait(WATCHED, self._patience())
            if received is not None and received.si_signo != signal.SIGCHLD:
                self.stopping = True
            self._reap()
        self._stop_all()

    def _patience(self) -> float:
        now = time.monotonic()
        waits = [child.due - now for child in self.children if child.process is None]
        return max(0.0, min([*waits, ROTATE_EVERY]))

    def _start(self, child: Child) -> None:
        with (self.log_dir / f"{child.unit.name}.log").open("ab") as log:
            child.process = child.unit.start(log)
        child.started = time.monotonic()
        self._pid_file(child).write_text(f"{child.process.pid}\n")

    def _reap(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                if not self.stopping:
                    _log(f"{child.unit.name} ended with {child.process.returncode}")
                self._pid_file(child).unlink(missing_ok=True)
                child.ended(time.monotonic())

    def _stop_all(self) -> None:
        """Daemons before the store they write to, each with its grace."""
        for child in reversed(self.children):
            if child.process is None:
                continue
            child.process.terminate()
            try:
                child.process.wait(STOP_GRACE)
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
            self._pid_file(child).unlink(missing_ok=True)

    def _rotate_logs(self) -> None:
        """Copies a long log aside and truncates it: the process keeps its descriptor, which appends."""
        for child in self.children:
            path = self.log_dir / f"{child.unit.name}.log"
            if path.exists() and path.stat().st_size > LOG_LIMIT:
                path.with_suffix(".log.1").write_bytes(path.read_bytes())
                os.truncate(path, 0)

    def _pid_file(self, child: Child) -> Path:
        return self.run_dir / f"{child.unit.name}.pid"


def _unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


def _log(message: str) -> None:
    print(time.strftime("%Y-%m-%dT%H:%M:%S"), message, file=sys.stderr, flush=True)


@contextmanager
def lock(run_dir: Path, mode: str = "a") -> Iterator[bool]:
    """Whether this process got the supervisor's lock; it is free again when its holder dies."""
    with (run_dir / "supervisor.lock").open(mode) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def is_running(run_dir: Path) -> bool:
    """Whether a supervisor holds the lock of this run directory."""
    try:
        # For reading, since a user who is not root may ask too.
        with lock(run_dir, "r") as free:
            return not free
    except FileNotFoundError:
        return False


def stop(run_dir: Path) -> bool:
    """Ends everything of a cluster, strays of a killed supervisor too; whether a supervisor ran."""
    path = run_dir / "supervisor.pid"
    running = is_running(run_dir) and path.exists()
    if running:
        pid = int(path.read_text())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        wait_for_end(pid, STOP_LIMIT)
    end_strays(run_dir)
    return running


def end_strays(run_dir: Path) -> list[str]:
    """Ends what a killed supervisor left behind; returns the names.

    A pid that another program has by now is left alone.
    """
    ended = []
    for unit in load(run_dir):
        pid_file = run_dir / f"{unit.name}.pid"
        if pid_file.exists() and _command_of(pid := int(pid_file.read_text() or 0)) == unit.command:
            ended.append(unit.name)
            _end(pid)
        pid_file.unlink(missing_ok=True)
    return ended


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        if not wait_for_end(pid, STOP_GRACE):
            os.kill(pid, signal.SIGKILL)
            wait_for_end(pid, STOP_GRACE)


def wait_for_end(pid: int, limit: float) -> bool:
    """Whether a process, not necessarily a child, ends within so many seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], limit)[0])
    finally:
        os.close(descriptor)


def _command_of(pid: int) -> tuple[str, ...] | None:
    with suppress(OSError):
        return tuple(Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1])
    return None


def save(run_dir: Path, units: list[Unit]) -> None:
    """Writes what the supervisor is to run, in order."""
    (run_dir / "components.json").write_text(json.dumps([asdict(each) for each in units], indent=1))


def load(run_dir: Path) -> list[Unit]:
    """What save wrote; nothing if it was never called."""
    path = run_dir / "components.json"
    if not path.exists():
        return []
    return [_unit(**each) for each in json.loads(path.read_text())]


def _unit(name: str, command: list[str], folder: str, sockets: list[str]) -> Unit:
    return Unit(name, tuple(command), folder, tuple(sockets))


def spawn(run_dir: Path, log_dir: Path) -> None:
    """Starts a supervisor that outlives its caller."""
    with (log_dir / "supervisor.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-P", "-m", "kubeadm.supervisor", str(run_dir), str(log_dir)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def main() -> None:
    """`python -m kubeadm.supervisor RUN_DIR LOG_DIR`"""
    run_dir, log_dir = Path(sys.argv[1]), Path(sys.argv[2])
    with lock(run_dir) as mine:
        if not mine:
            sys.exit(f"a supervisor runs already in {run_dir}")
        end_strays(run_dir)
        own_pid = run_dir / "supervisor.pid"
        own_pid.write_text(f"{os.getpid()}\n")
        Supervisor(run_dir, log_dir, [Child(each) for each in load(run_dir)]).run()
        own_pid.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
