"""Which engine a pid file stands for: a pid that another program has by now must never be signalled."""

import os
from pathlib import Path

import pytest

from kubeadm import engine


@pytest.mark.parametrize(
    "text",
    [pytest.param(f"{os.getpid()}\n", id="another program"), pytest.param("", id="empty")],
)
def test_only_a_process_that_is_an_engine_counts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "docker.pid"
    path.write_text(text)
    assert engine.engine_in(path) == 0


def test_no_pid_file_no_engine(tmp_path: Path) -> None:
    assert engine.engine_in(tmp_path / "none") == 0


def test_a_stale_pid_file_of_ours_is_removed_and_nothing_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "dockerd-started-by-us.pid"
    path.write_text(f"{os.getpid()}\n")  # after a reboot the pid is somebody else's, here the test's
    assert engine.stop_if_ours(tmp_path) is False
    assert not path.exists()
