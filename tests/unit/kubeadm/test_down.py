"""What `sampan down` leaves of its folders."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kubeadm.down import remove


def fill(folder: Path) -> Path:
    (folder / "pki").mkdir(parents=True)
    (folder / "pki/ca.crt").write_text("a certificate")
    (folder / "elsewhere").symlink_to(folder.parent)
    return folder


def test_a_folder_goes_with_all_that_is_in_it_and_twice_is_harmless(tmp_path: Path) -> None:
    state = fill(tmp_path / "state")
    for _ in range(2):
        remove(state)
        assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(("reason", "is_told"), [(errno.EBUSY, False), (errno.EPERM, True)])
def test_a_folder_on_which_something_is_mounted_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: int, is_told: bool
) -> None:
    """Also where the mount shows a folder of the same file system."""
    state = fill(tmp_path / "state")

    def rmdir(path: Path) -> None:
        raise OSError(reason, os.strerror(reason))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rmdir", rmdir)
        if is_told:
            with pytest.raises(PermissionError):
                remove(state)
        else:
            remove(state)
    assert [*state.iterdir()] == []
