"""A shell, as somebody who reads one of our pages has it open beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from tests.e2e.conftest import SAMPAN, real_kubectl
from tests.pages import ROOT

END = "\x1e"
LIMIT = 300.0


class Terminal:
    """A shell in the checkout, as the page's reader has it open: what a block exports, the next one sees."""

    def __init__(self, folder: Path) -> None:
        for name, program in {"sampan": str(SAMPAN), "kubectl": real_kubectl() or str(SAMPAN)}.items():
            (folder / name).symlink_to(program)
        path = f"{folder}:{os.environ['PATH']}"
        own = {"PATH": path, "VENV": sys.prefix, "MAKEFLAGS": ""}  # not those of a `make e2e` around us
        self._script, self._aside = folder / "block.sh", folder / "aside.log"
        self._shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env={**os.environ, **own}, start_new_session=True,
        )  # fmt: skip
        self._tell("trap 'failed=$?' ERR")

    def paste(self, text: str) -> tuple[int, str]:
        """The exit code of the last command that failed, and what all of them printed."""
        patience = threading.Timer(LIMIT, self._kill)
        patience.start()
        try:
            return self._paste(text)
        finally:
            patience.cancel()

    def _paste(self, text: str) -> tuple[int, str]:
        self._script.write_text(text)
        self._tell(f"failed=0; . {self._script} </dev/null; printf '\\n{END}%s\\n' $failed")
        printed = []
        for line in _output(self._shell):
            if line.startswith(END):
                return int(line.strip(END)), "".join(printed)[:-1]
            printed.append(line)
        raise AssertionError(f"it ended, or took longer than {LIMIT} s: {''.join(printed)}")

    def paste_aside(self, text: str) -> None:
        """Into another terminal with the same environment; it goes on until this one is closed."""
        script = self._aside.with_suffix(".sh")
        script.write_text(text)
        self._tell(f"(. {script}) </dev/null >{self._aside} 2>&1 &")

    def seen_aside(self) -> str:
        return self._aside.read_text()

    def close(self) -> None:
        self._kill()
        self._shell.communicate()

    def _kill(self) -> None:
        os.killpg(self._shell.pid, signal.SIGKILL)

    def _tell(self, line: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(f"{line}\n")
        self._shell.stdin.flush()


def _output(shell: subprocess.Popen[str]) -> IO[str]:
    assert shell.stdout is not None
    return shell.stdout
