"""PersistentVolumes on the node: local and hostPath as they lie there, nfs mounted, csi refused.

What lies on the node is used where it is, not through a bind mount: nothing has to be unmounted, and nothing
of it can be deleted with the pod's directory.
"""

from __future__ import annotations

from pathlib import Path

from apimachinery import volumes
from apimachinery.objects import Object, get_path
from kubelet.volumes.errors import MountError
from kubelet.volumes.host_path import set_up_host_path
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.mounting import mount, mounted_below

NEW_MOUNTER = "MountVolume.NewMounter initialization"
_GIT_REPO = (
    "git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the "
    "feature-gate `GitRepoVolumeDriver`"
)
MAP_BLOCK = "MapVolume.MapBlockVolume"


def set_up_persistent(volume: Object, target: Path, *, read_only: bool) -> MountedVolume:
    """`target` is for what has to be mounted. Raises MountError."""
    spec = volume["spec"]
    if volumes.mode_of(volume) == volumes.BLOCK:
        return MountedVolume(_device(spec), read_only)
    if "local" in spec:
        return MountedVolume(_directory(spec["local"]["path"]), read_only)
    if "hostPath" in spec:
        source = spec["hostPath"]
        return MountedVolume(set_up_host_path(source["path"], source.get("type") or ""), read_only)
    if "nfs" in spec:
        return set_up_nfs(spec["nfs"], target, spec.get("mountOptions") or [], read_only=read_only)
    raise MountError(why_unsupported(spec))


def why_unsupported(source: Object) -> str:
    """Of a pod's volume or a PersistentVolume's spec, in upstream's words."""
    driver = get_path(source, "csi.driver")
    if driver is not None:
        return (
            "kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: "
            f"driver name {driver} not found in the list of registered CSI drivers"
        )
    if "gitRepo" in source:
        return _GIT_REPO
    return "no volume plugin matched"


def _directory(path: str) -> str:
    where = Path(path)
    if not where.exists():
        raise MountError(f'path "{path}" does not exist', NEW_MOUNTER)
    if where.is_block_device():
        raise MountError(f'cannot format and mount "{path}": it is a block device', NEW_MOUNTER)
    if not where.is_dir():
        raise MountError("only directory and block device are supported", NEW_MOUNTER)
    return str(where.resolve())


def _device(spec: Object) -> str:
    path = get_path(spec, "local.path")
    if path is None:
        raise MountError("no volume plugin matched", MAP_BLOCK)
    if not Path(path).is_block_device():
        raise MountError(f'"{path}" is not a block device', MAP_BLOCK)
    return str(path)


def set_up_nfs(source: Object, target: Path, options: list[str], *, read_only: bool) -> MountedVolume:
    read_only = read_only or bool(source.get("readOnly"))
    if target not in mounted_below(target):
        target.mkdir(mode=0o750, parents=True, exist_ok=True)
        wanted = [*(["ro"] if read_only else []), *options]
        mount(f"{source['server']}:{source['path']}", target, "nfs", wanted)
    return MountedVolume(str(target), read_only)
