"""Volume mounts and raw devices of a container: which volume, where, and not twice."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.field import Errors, Path, forbidden, invalid, not_found, not_supported, required
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import one_of
from apiserver.registry.strategies.podspec.paths import local_path, no_backsteps

_PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")
_RECURSIVE = ("Disabled", "Enabled", "IfPossible")


def validate_mounts(container: Object, volumes: Mapping[str, Object], path: Path) -> Errors:
    devices = {d.get("name") or "": d.get("devicePath") or "" for d in container.get("volumeDevices") or ()}
    seen: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        at, name, target = path.index(index), mount.get("name") or "", mount.get("mountPath") or ""
        if not name:
            yield required(at.child("name"))
        if name not in volumes:
            yield not_found(at.child("name"), name)
        if not target:
            yield required(at.child("mountPath"))
        if target in seen:
            yield invalid(at.child("mountPath"), target, "must be unique")
        seen.add(target)
        if name in devices:
            yield invalid(at.child("name"), name, "must not already exist in volumeDevices")
        if target in devices.values():
            detail = "must not already exist as a path in volumeDevices"
            yield invalid(at.child("mountPath"), target, detail)
        yield from _sub_paths(mount, at, path)
        yield from _propagation(mount, container, path)


def _sub_paths(mount: Object, path: Path, whole: Path) -> Errors:
    """Upstream reports steps back without the index of the mount."""
    if mount.get("subPath"):
        yield from local_path(mount["subPath"], whole.child("subPath"))
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            detail = "subPathExpr and subPath are mutually exclusive"
            yield invalid(path.child("subPathExpr"), mount["subPathExpr"], detail)
        yield from local_path(mount["subPathExpr"], whole.child("subPathExpr"))


def _propagation(mount: Object, container: Object, path: Path) -> Errors:
    mode = mount.get("mountPropagation")
    if mode is not None:
        if mode not in _PROPAGATIONS:
            yield not_supported(path.child("mountPropagation"), mode, _PROPAGATIONS)
        if mode == "Bidirectional" and not (container.get("securityContext") or {}).get("privileged"):
            detail = "Bidirectional mount propagation is available only to privileged containers"
            yield forbidden(path.child("mountPropagation"), detail)
    recursive, at = mount.get("recursiveReadOnly"), path.child("recursiveReadOnly")
    if recursive in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            yield forbidden(at, "may only be specified when readOnly is true")
        if mode not in (None, "None"):
            yield forbidden(at, "may only be specified when mountPropagation is None or not specified")
    elif recursive is not None:
        yield from one_of(recursive, at, _RECURSIVE)


def validate_devices(container: Object, volumes: Mapping[str, Object], path: Path) -> Errors:
    mounts = {m.get("name") or "": m.get("mountPath") or "" for m in container.get("volumeMounts") or ()}
    seen_paths: set[str] = set()
    seen_names: set[str] = set()
    for index, device in enumerate(container.get("volumeDevices") or ()):
        at, name, target = path.index(index), device.get("name") or "", device.get("devicePath") or ""
        name_at, path_at = at.child("name"), at.child("devicePath")
        if not name:
            yield required(name_at)
        if name in seen_names:
            yield invalid(name_at, name, "must be unique")
        yield from _is_block(name, volumes, name_at)
        if not target:
            yield required(path_at)
        if target in seen_paths:
            yield invalid(path_at, target, "must be unique")
        if target and list(no_backsteps(target, path_at)):
            yield invalid(path_at, target, "can not contain backsteps ('..')")
        else:
            seen_paths.add(target)
        if name in mounts:
            yield invalid(name_at, name, "must not already exist in volumeMounts")
        if target in mounts.values():
            yield invalid(path_at, target, "must not already exist as a path in volumeMounts")
        if name:
            seen_names.add(name)


def _is_block(name: str, volumes: Mapping[str, Object], path: Path) -> Errors:
    volume = volumes.get(name)
    if volume is None:
        yield not_found(path, name)
    elif volume.get("persistentVolumeClaim") is None and volume.get("ephemeral") is None:
        detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"
        yield invalid(path, name, detail)
