"""Publishes a set of files all at once, as upstream does: `..data` is a symlink swapped by rename.

Readers see either the old set or the new one: `file -> ..data/file`, `..data -> ..version_x7f`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA, NEW_DATA = "..data", "..data_tmp"


@dataclass(frozen=True, slots=True)
class FileEntry:
    data: bytes
    mode: int
    owner: int | None = None
    group: int | None = None


Payload = Mapping[str, FileEntry]
"""By path relative to the volume."""


class InvalidPath(Exception):
    """A file may not leave its volume."""


def write_payload(target: Path, payload: Payload) -> bool:
    """Makes the directory show exactly these files; says whether anything had to change."""
    for path in payload:
        _check(path)
    old = _current(target)
    if old is not None and _holds(old, payload):
        return False
    new = _write_new(target, payload)
    _swap(target, new)
    _link_top_level(target, payload)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return True


def _check(path: str) -> None:
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or parts[0].startswith(".."):
        raise InvalidPath(
            f"invalid path {path!r}: must be relative, inside the volume and not start with '..'"
        )


def _current(target: Path) -> Path | None:
    try:
        return target / os.readlink(target / DATA)
    except OSError:
        return None


def _holds(directory: Path, payload: Payload) -> bool:
    present = {
        str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()
    }  # fmt: skip
    return present == set(payload) and all(_same(directory / path, entry) for path, entry in payload.items())


def _same(path: Path, entry: FileEntry) -> bool:
    stat = path.stat()
    if stat.st_mode & 0o7777 != entry.mode or stat.st_size != len(entry.data):
        return False
    if entry.owner not in (None, stat.st_uid) or entry.group not in (None, stat.st_gid):
        return False
    return path.read_bytes() == entry.data


def _write_new(target: Path, payload: Payload) -> Path:
    new = Path(tempfile.mkdtemp(prefix="..version_", dir=target))
    new.chmod(0o755)
    for path, entry in payload.items():
        file = new / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(entry.data)
        if entry.owner is not None or entry.group is not None:
            os.chown(
                file, -1 if entry.owner is None else entry.owner, -1 if entry.group is None else entry.group
            )
        file.chmod(entry.mode)
    return new


def _swap(target: Path, new: Path) -> None:
    temporary = target / NEW_DATA
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(new.name)
    temporary.rename(target / DATA)


def _link_top_level(target: Path, payload: Payload) -> None:
    wanted = {path.split("/")[0] for path in payload}
    for name in wanted:
        link = target / name
        if not link.is_symlink():
            link.symlink_to(f"{DATA}/{name}")
    for entry in target.iterdir():
        if entry.name not in wanted and not entry.name.startswith(".."):
            entry.unlink(missing_ok=True)
