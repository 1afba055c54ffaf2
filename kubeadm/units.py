"""What runs on a machine: values, how one is started without systemd, and the file that remembers them.

Nothing heavy is imported: the supervisor lives with it.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

WATCHED = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
"""The signals that the supervisor takes for itself, and its children must not inherit blocked."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is to run: an absolute program, so that it needs no PATH, its flags, and its working directory.

    `sockets` are files that a killed process leaves behind and that would keep the next one from starting.
    `listens` is where it serves: address and port.
    """

    name: str
    program: tuple[str, ...]
    flags: tuple[str, ...] = ()
    folder: str = "/"
    sockets: tuple[str, ...] = ()
    listens: tuple[tuple[str, int], ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        return self.program + self.flags

    def start(self, log: IO[bytes], *more_flags: str) -> subprocess.Popen[bytes]:
        """The process, in a session of its own."""
        for socket in self.sockets:
            Path(socket).unlink(missing_ok=True)
        return subprocess.Popen(
            [*self.command, *more_flags],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=unblock_signals,
        )


def unblock_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


def save(run_dir: Path, units: Sequence[Unit]) -> None:
    """Writes what is to run, in order."""
    (run_dir / "components.json").write_text(json.dumps([asdict(each) for each in units], indent=1))


def load(run_dir: Path) -> list[Unit]:
    """What save wrote; nothing if it was never called."""
    path = run_dir / "components.json"
    return [_unit(each) for each in json.loads(path.read_text())] if path.exists() else []


def _unit(saved: dict[str, Any]) -> Unit:
    return Unit(
        name=saved["name"],
        program=tuple(saved["program"]),
        flags=tuple(saved["flags"]),
        folder=saved["folder"],
        sockets=tuple(saved["sockets"]),
        listens=tuple((address, port) for address, port in saved["listens"]),
    )
