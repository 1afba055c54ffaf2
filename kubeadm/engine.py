"""The Docker Engine of this machine: started when nothing runs it, stopped only if we started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from kubeadm import host, supervisor

SOCKET = "/var/run/docker.sock"
PID_FILE = Path("/var/run/docker.pid")
START_LIMIT = 30.0


def answers(path: str = SOCKET) -> bool:
    """Whether an engine answers a ping on its socket."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(3)
        connection.connect(path)
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in connection.recv(256)
    return False


def ensure_engine(state_dir: Path) -> bool:
    """Starts Docker unless it answers; returns whether it had to. Raises HostError with the log's place."""
    if answers():
        return False
    log_path = state_dir / "log" / "dockerd.log"
    if host.has_systemd():
        subprocess.run(["systemctl", "start", "docker"], check=False, capture_output=True)
        process = None
    else:
        process = _spawn(log_path)
        _pid_file(state_dir).write_text(f"{process.pid}\n")
    _wait_for_answer(process, log_path)
    return True


def stop_if_ours(state_dir: Path) -> bool:
    """Ends the engine that ensure_engine spawned, and waits for it; others' engines are left alone."""
    path = _pid_file(state_dir)
    pid = engine_in(path)
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        supervisor.wait_for_end(pid, START_LIMIT)
    path.unlink(missing_ok=True)
    return bool(pid)


def engine_in(pid_file: Path) -> int:
    """The engine's process that a pid file names; 0 if it is gone or its pid is another's by now."""
    with suppress(OSError, ValueError):
        pid = int(pid_file.read_text())
        if Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd":
            return pid
    return 0


def _spawn(log_path: Path) -> subprocess.Popen[bytes]:
    dockerd = host.find("dockerd")
    if dockerd is None:
        raise host.HostError(host.explain([p for p in host.PROGRAMS if p.name == "dockerd"]))
    environment = {**os.environ, "PATH": host.SEARCH_PATH}
    _wait_for_predecessor()
    with log_path.open("ab") as log:
        return subprocess.Popen(
            [dockerd],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )


def _wait_for_predecessor() -> None:
    """An engine that was told to stop ends its containers first, and two at a time would spoil its data.

    A pid file of an engine that was killed would keep a new one from starting.
    """
    pid = engine_in(PID_FILE)
    if pid and not supervisor.wait_for_end(pid, START_LIMIT):
        raise host.HostError(f"Docker (process {pid}) neither answers nor ends; end it and try again")
    PID_FILE.unlink(missing_ok=True)


def _wait_for_answer(process: subprocess.Popen[bytes] | None, log_path: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if answers():
            return
        if process is not None and process.poll() is not None:
            break
        time.sleep(0.05)
    hint = f"see {log_path}" if process else "see: journalctl -u docker"
    raise host.HostError(f"Docker does not start; {hint}")


def _pid_file(state_dir: Path) -> Path:
    return state_dir / "run" / "dockerd-started-by-us.pid"
