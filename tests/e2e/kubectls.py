"""Every kubectl of this machine, one a minor version, and what a person at a terminal does with it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import LIMIT, Kubectl

VERSIONS = tuple(f"1.{minor}" for minor in range(27, 35))


def kubectl_path(version: str) -> Path:
    """kubectl.1.30 beside the kubectl on the PATH, or that itself. Skips without it."""
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("no kubectl is on the PATH")
    beside = Path(found).resolve().with_name(f"kubectl.{version}")
    if beside.exists():
        return beside
    printed = subprocess.run([found, "version", "--client", "-o", "json"], capture_output=True, check=True)
    client = json.loads(printed.stdout)["clientVersion"]
    if f"{client['major']}.{client['minor'].rstrip('+')}" != version:
        pytest.skip(f"no kubectl {version} is here")
    return Path(found)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, command: list[str], size: tuple[int, int]) -> None:
        self._pid, self._descriptor = pty.fork()
        if self._pid == 0:
            os.execv(command[0], command)
        self.resize(*size)
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def expect(self, text: str) -> None:
        """Until it has been printed."""
        deadline = time.monotonic() + LIMIT
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text!r} is not in {self.seen!r}"
            assert self._read(), f"ended without {text!r}: {self.seen!r}"

    def exit_code(self) -> int:
        while self._read():
            """Whatever it still prints."""
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], LIMIT)
        assert ready, f"hangs after {self.seen!r}"
        try:
            piece = os.read(self._descriptor, 1 << 16)
        except OSError:  # how Linux tells that nobody is there any more
            return False
        self.seen += piece.decode(errors="replace")
        return bool(piece)


@contextmanager
def forwarding(kubectl: Kubectl, *arguments: str) -> Iterator[tuple[list[int], subprocess.Popen[str]]]:
    """A port-forward that runs: its local ports on 127.0.0.1, in order, and its process."""
    wanted = sum(":" in each or each.isdigit() for each in arguments[1:])
    process = kubectl.start("port-forward", *arguments)
    try:
        ports: list[int] = []
        while len(ports) < wanted:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            if found := re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> \d+", line):
                ports.append(int(found[1]))
        yield ports, process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()
