"""subPath: one file or directory of a volume instead of all of it, never outside of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from apimachinery.objects import Object
from kubelet.containers.expansion import expand, unknown_in
from kubelet.runtime.interface import CreateContainerConfigError


def sub_path_of(mount: Object, environment: Mapping[str, str]) -> str:
    """The relative path a volumeMount asks for; empty for the whole volume."""
    if mount.get("subPathExpr"):
        known = {name: value for name, value in environment.items() if value}
        if missing := unknown_in(mount["subPathExpr"], known):
            raise CreateContainerConfigError(f"missing value for {', '.join(missing)}")
        return _checked(expand(mount["subPathExpr"], known))
    return _checked(mount.get("subPath") or "")


def _checked(path: str) -> str:
    if path.startswith("/"):
        raise CreateContainerConfigError(f"error SubPath `{path}` must not be an absolute path")
    if ".." in path.split("/"):
        raise CreateContainerConfigError(f"unable to provision SubPath `{path}`: must not contain '..'")
    return path


def prepare_sub_path(volume: Path, path: str, mount: str, container: str, *, makes: bool = True) -> str:
    """The host path to mount.

    Where nothing is, a directory is made, if `makes` allows it. Links may not lead out of the volume.
    """
    root = Path(os.path.realpath(volume))
    target = Path(os.path.realpath(root / path))
    if not target.is_relative_to(root):
        raise CreateContainerConfigError(
            f'failed to prepare subPath for volumeMount "{mount}" of container "{container}"'
        )
    if not target.exists():
        if not makes:
            message = f'subPath "{path}" of volume "{mount}" does not exist in the image'
            raise CreateContainerConfigError(message)
        _make(target, root, mount, container)
    return str(target)


def _make(target: Path, root: Path, mount: str, container: str) -> None:
    """With the volume's own permissions, as upstream does."""
    try:
        mode = root.stat().st_mode & 0o7777
        missing = [each for each in [target, *target.parents] if not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            each.chmod(mode)
    except OSError as error:
        raise CreateContainerConfigError(
            f'failed to create subPath directory for volumeMount "{mount}" of container "{container}"'
        ) from error
