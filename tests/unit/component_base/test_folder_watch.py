"""A folder whose changes the kernel tells, or does not."""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path

import pytest

from component_base.folder_watch import FolderWatch


async def test_a_change_after_arming_is_told_at_once(tmp_path: Path) -> None:
    watch = FolderWatch()
    watch.arm(tmp_path)
    (tmp_path / "new").write_text("")
    async with asyncio.timeout(60):
        await watch.changed(1000)
    watch.close()


class Exhausted:
    """A kernel that has given out all that there are."""

    def __init__(self, *arguments: object, **options: object) -> None:
        ctypes.set_errno(24)

    def inotify_init1(self, flags: int) -> int:
        return -1


async def test_without_the_kernel_it_is_time_that_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", Exhausted)
    watch = FolderWatch()
    watch.arm(tmp_path)
    await watch.changed(0.01)
    watch.close()
    assert "Too many open files" in caplog.text
