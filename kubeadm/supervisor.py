"""Keeps a cluster's processes running on a machine without systemd: starts, restarts, pid files, logs.

Runs as its own small process (`python -m kubeadm.supervisor RUN_DIR LOG_DIR`), which imports nothing heavy.
It reads `RUN_DIR/components.json` at its start and on SIGHUP, holds a lock on `RUN_DIR/supervisor.lock` while
it lives, and ends the processes in reverse order on SIGTERM. Stopping a kubelet leaves its containers alone.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from kubeadm.units import WATCHED, Unit, load

FIRST_RESTART = 0.2
LONGEST_RESTART = 30.0
STEADY = 60.0
"""A process that ran so many seconds starts over with the first back-off."""
STOP_GRACE = 10.0
STOP_LIMIT = 60.0
LOG_LIMIT = 64 * 1024**2
ROTATE_EVERY = 30.0


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
        """Until SIGTERM: start what is due, then wait for a child's end, news, or the next due time."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        while not self.stopping:
            now = time.monotonic()
            for child in self.children:
                if child.process is None and child.due <= now:
                    self._start(child)
            self._rotate_logs()
            received = signal.sigtimedwait(WATCHED, self._patience())
            number = received.si_signo if received is not None else 0
            self.stopping = number in (signal.SIGTERM, signal.SIGINT)
            self._reap()
            if number == signal.SIGHUP:
                self._reload()
        self._stop(self.children)

    def _reload(self) -> None:
        """What is new or another than before is started, what is not wanted any more is stopped."""
        units = load(self.run_dir)
        kept = {child.unit.name: child for child in self.children if child.unit in units}
        self._stop([child for child in self.children if child.unit.name not in kept])
        self.children = [kept.get(unit.name) or Child(unit) for unit in units]

    def _patience(self) -> float:
        now = time.monotonic()
        waits = [child.due - now for child in self.children if child.process is None]
        return max(0.0, min([*waits, ROTATE_EVERY]))

    def _start(self, child: Child) -> None:
        """A program that is not there, or a full disk, is no reason to leave the others alone."""
        child.started = time.monotonic()
        try:
            with (self.log_dir / f"{child.unit.name}.log").open("ab") as log:
                child.process = child.unit.start(log)
            self._pid_file(child).write_text(f"{child.process.pid}\n")
        except OSError as error:
            _log(f"{child.unit.name}: {error}")
            if child.process is None:
                child.ended(child.started)

    def _reap(self) -> None:
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                if not self.stopping:
                    _log(f"{child.unit.name} ended with {child.process.returncode}")
                self._pid_file(child).unlink(missing_ok=True)
                child.ended(time.monotonic())

    def _stop(self, children: Sequence[Child]) -> None:
        """Daemons before the store they write to, each with its grace."""
        for child in reversed(children):
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
            try:
                if path.exists() and path.stat().st_size > LOG_LIMIT:
                    path.with_suffix(".log.1").write_bytes(path.read_bytes())
                    os.truncate(path, 0)
            except OSError as error:
                _log(f"{child.unit.name}: its log was not rotated: {error}")

    def _pid_file(self, child: Child) -> Path:
        return self.run_dir / f"{child.unit.name}.pid"


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


def reload(run_dir: Path) -> None:
    """Tells the running supervisor that something else was saved."""
    os.kill(int((run_dir / "supervisor.pid").read_text()), signal.SIGHUP)


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
