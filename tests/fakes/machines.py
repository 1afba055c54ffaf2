"""Machines for tests: containers with systemd as PID 1 and a Docker engine of their own."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
IMAGE = "sampan-node:test"
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN", "NET_RAW", "SYS_PTRACE", "SYS_MODULE", "SYSLOG", "DAC_READ_SEARCH")
_BOOT_LIMIT, _COMMAND_LIMIT = 300.0, 600.0


@cache
def build_images(tag: str = "test") -> None:
    """The images of this checkout; once a test run."""
    subprocess.run([ROOT / "deploy/images/build.sh", tag], check=True, capture_output=True, timeout=3600)


class Machine:
    """One container. Commands are run by its shell; what fails raises CalledProcessError with its output."""

    def __init__(self, name: str, network: str) -> None:
        self.name = name
        self._container = f"{network}-{name}"
        command = ["docker", "run", "--detach", "--name", self._container, "--hostname", name]
        command += ["--network", network, "--tmpfs", "/run", "--tmpfs", "/tmp"]
        command += ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"]
        command += ["--device-cgroup-rule", "a *:* rwm"]
        command += [word for capability in CAPABILITIES for word in ("--cap-add", capability)]
        subprocess.run([*command, IMAGE], check=True, capture_output=True)
        self._wait_for_boot()

    def _wait_for_boot(self) -> None:
        self.eventually("systemctl is-system-running --wait || true", lambda text: "running" in text)

    def run(self, script: str, *, limit: float = _COMMAND_LIMIT) -> str:
        """What it prints, stripped."""
        done = subprocess.run(
            ["docker", "exec", self._container, "sh", "-c", script],
            capture_output=True,
            text=True,
            timeout=limit,
        )
        if done.returncode != 0:
            raise AssertionError(
                f"{self.name}: {script}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done.stdout.strip()

    def eventually(
        self, script: str, is_so: Callable[[str], object] = bool, *, limit: float = _BOOT_LIMIT
    ) -> str:
        """What it prints as soon as something is true of that."""
        deadline = time.monotonic() + limit
        seen = ""
        while time.monotonic() < deadline:
            try:
                seen = self.run(script)
                if is_so(seen):
                    return seen
            except AssertionError as error:
                seen = str(error)
            time.sleep(0.2)
        raise AssertionError(f"{self.name}: not within {limit:g} s: {script}\n{seen}")

    def reboot(self) -> None:
        subprocess.run(
            ["docker", "restart", "--time", "30", self._container], check=True, capture_output=True
        )
        self._wait_for_boot()

    def remove(self) -> None:
        subprocess.run(["docker", "rm", "--force", "--volumes", self._container], capture_output=True)


@contextmanager
def machines(*names: str) -> Iterator[list[Machine]]:
    """Machines on a network of their own; they go with the block."""
    network = f"smpt{uuid.uuid4().hex[:6]}"
    subprocess.run(["docker", "network", "create", network], check=True, capture_output=True)
    made: list[Machine] = []
    try:
        for name in names:  # one by one: those that were made are removed if the next fails
            made.append(Machine(name, network))  # noqa: PERF401
        yield made
    finally:
        for machine in made:
            machine.remove()
        subprocess.run(["docker", "network", "rm", network], capture_output=True)
