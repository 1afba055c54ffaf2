"""Our pages, pasted block by block into a shell, each answer compared with what the page shows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from kubeadm import supervisor
from kubeadm.config import ClusterConfig, state_dir_from_environment
from tests.e2e.conftest import SAMPAN, eventually, real_kubectl
from tests.pages import ROOT, Step, blocks, is_answer, pages, steps

pytestmark = pytest.mark.e2e

WITH_COMMANDS = [page for page in pages() if steps(blocks(page.read_text()))]
RAN_BEFORE = supervisor.is_running(state_dir_from_environment() / "run")
"""A cluster that was not made for the tests is not stopped."""
END = "\x1e"
LIMIT = 120.0


class Terminal:
    """A shell in the checkout, as the page's reader has it open: what a block exports, the next one sees."""

    def __init__(self, folder: Path) -> None:
        for name, program in {"sampan": str(SAMPAN), "kubectl": real_kubectl() or str(SAMPAN)}.items():
            (folder / name).symlink_to(program)
        path = f"{folder}:{os.environ['PATH']}"
        self._script, self._aside = folder / "block.sh", folder / "aside.log"
        self._shell = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env={**os.environ, "PATH": path, "VENV": sys.prefix}, start_new_session=True,
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


@pytest.fixture
def terminal(cluster: ClusterConfig, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_says(terminal: Terminal, page: Path) -> None:
    aside: list[Step] = []
    for step in steps(blocks(page.read_text())):
        if step.block.role == "aside":
            terminal.paste_aside(step.block.text)
            aside.append(step)
        elif not (step.block.role == "stops" and RAN_BEFORE):
            _take(terminal, step, f"{page.relative_to(ROOT)}:{step.block.line}")
    for step in aside:
        eventually(lambda step=step: _answers(step, terminal.seen_aside(), str(page)), limit=20)


def _take(terminal: Terminal, step: Step, place: str) -> None:
    if step.block.role == "soon":
        eventually(lambda: _answers(step, terminal.paste(step.block.text)[1], place), limit=30)
        return
    code, printed = terminal.paste(step.block.text)
    assert code == 0, f"{place} ended with {code}:\n{printed}"
    _answers(step, printed, place)


def _answers(step: Step, printed: str, place: str) -> bool:
    wanted = step.answer.text if step.answer else "…"
    assert is_answer(wanted, printed), f"{place} is to print:\n{wanted}\nbut printed:\n{printed}"
    return True
