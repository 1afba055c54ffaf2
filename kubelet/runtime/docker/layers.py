"""An image's file system, out of the archive that `docker save` writes: layer upon layer.

Each layer is a tar; `.wh.NAME` in it takes NAME away, `.wh..wh..opq` all that lower layers have in its
folder. Nothing is written outside of the folder, whatever links an image has.
Source: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md
"""

from __future__ import annotations

import json
import os
import shutil
import tarfile
from copy import copy
from pathlib import Path, PurePosixPath

_WHITEOUT, _OPAQUE, _INTERNAL = ".wh.", ".wh..wh..opq", ".wh..wh."


class ArchiveError(Exception):
    """It holds no image that can be unpacked."""


def unpack_image(archive: Path, folder: Path) -> None:
    """`folder` is there and empty. Raises ArchiveError, OSError."""
    try:
        with tarfile.open(archive) as saved:
            [manifest] = json.load(_member(saved, "manifest.json"))
            for name in manifest["Layers"]:
                with tarfile.open(fileobj=_member(saved, name)) as layer:
                    _apply(layer, folder)
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise ArchiveError(f"cannot unpack the image: {error}") from error


def _member(saved: tarfile.TarFile, name: str) -> tarfile.ExFileObject:
    file = saved.extractfile(name)
    if file is None:
        raise ArchiveError(f"cannot unpack the image: {name} is no file")
    return file  # type: ignore[return-value]  # of archives that are read it is one


def _apply(layer: tarfile.TarFile, folder: Path) -> None:
    layer.extraction_filter = lambda member, path: member  # owners and modes are the image's
    made: set[PurePosixPath] = set()
    folders: list[tarfile.TarInfo] = []
    for found in layer:
        member = _from_root(found)
        where = PurePosixPath(member.name)
        if not where.name:
            continue
        target = _inside(folder, where)
        if where.name == _OPAQUE:
            _clear(target.parent, {target.parent / each.name for each in made if each.parent == where.parent})
        elif where.name.startswith(_INTERNAL):
            continue
        elif where.name.startswith(_WHITEOUT):
            _remove(_inside(folder, where.with_name(where.name.removeprefix(_WHITEOUT))))
        else:
            _extract(layer, member, target, folder)
            made |= {where, *where.parents}
            folders += [member] if member.isdir() else []
    for member in folders:
        target = _inside(folder, PurePosixPath(member.name))
        if target.is_dir() and not target.is_symlink():
            layer.utime(member, str(target))


def _from_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Names begin at the image's root, whether they say so or not; tarfile would begin at the machine's."""
    rooted = copy(member)
    rooted.name = str(PurePosixPath("/", member.name).relative_to("/"))
    if member.islnk():
        rooted.linkname = str(PurePosixPath("/", member.linkname).relative_to("/"))
    return rooted


def _extract(layer: tarfile.TarFile, member: tarfile.TarInfo, target: Path, folder: Path) -> None:
    if os.path.lexists(target) and not (member.isdir() and target.is_dir() and not target.is_symlink()):
        _remove(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    if member.islnk():
        _link(member.linkname, target, folder)
    else:
        layer.extract(member, folder, numeric_owner=True)


def _link(name: str, target: Path, folder: Path) -> None:
    """Another name for what is there, a soft link included, whose owner and mode it has."""
    try:
        os.link(_inside(folder, PurePosixPath(name)), target, follow_symlinks=False)
    except FileNotFoundError as error:
        raise ArchiveError(f"cannot unpack the image: {name}, which is linked to, is not there") from error


def _inside(folder: Path, where: PurePosixPath) -> Path:
    """The path in the folder, to which no link leads out of it. Raises ArchiveError."""
    target = folder / where
    real = Path(os.path.realpath(target.parent))
    if ".." in where.parts or not real.is_relative_to(os.path.realpath(folder)):
        raise ArchiveError(f"cannot unpack the image: {where} is outside of it")
    return target


def _clear(directory: Path, kept: set[Path]) -> None:
    for each in directory.iterdir() if directory.is_dir() else ():
        if each not in kept:
            _remove(each)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
