"""PersistentVolumes on the node: directories as they lie there, nfs and devices mounted, the others refused.

Directories of the node are used where they are, not through a bind mount: nothing has to be unmounted, and
nothing of it can be deleted with the pod's directory.
"""

from __future__ import annotations

from pathlib import Path

from apimachinery import volumes
from apimachinery.objects import Object, get_path, name_of
from kubelet.volumes.devices import mount_device
from kubelet.volumes.errors import ClaimError, MountError
from kubelet.volumes.host_path import set_up_host_path
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.mounting import mount, mounted_below

LOCAL_PLUGIN, NFS_PLUGIN = "kubernetes.io~local-volume", "kubernetes.io~nfs"
NEW_MOUNTER = "MountVolume.NewMounter initialization"
_GIT_REPO = (
    "git-repo volume plugin has been disabled; if necessary, it may be re-enabled by enabling the "
    "feature-gate `GitRepoVolumeDriver`"
)
MAP_BLOCK = "MapVolume.MapBlockVolume"
SET_UP = "MountVolume.SetUp", "mounter.SetUpAt failed to get CSI client"
MOUNT_DEVICE = "MountVolume.MountDevice", "attacher.MountDevice failed to create newCsiDriverClient"
SET_UP_DEVICE = "MapVolume.SetUpDevice", "blockMapper.SetUpDevice failed to get CSI client"
"""Where a driver that is not there is missed: of volumes in pods, of PersistentVolumes, of devices."""
NO_PLUGIN = "no volume plugin matched"
KINDS = frozenset({
    "configMap", "csi", "downwardAPI", "emptyDir", "gitRepo", "hostPath", "local", "nfs", "projected",
    "secret",
})  # fmt: skip
"""Those that somebody here answers for."""


def set_up_persistent(volume: Object, directory: Path, *, read_only: bool) -> MountedVolume:
    """What has to be mounted is mounted below `directory`, that of the pod's volumes. Raises MountError."""
    spec, options = volume["spec"], get_path(volume, "spec.mountOptions", [])
    is_block = volumes.mode_of(volume) == volumes.BLOCK
    if "csi" in spec:
        raise _no_driver(spec["csi"]["driver"], *(SET_UP_DEVICE if is_block else MOUNT_DEVICE))
    if is_block:
        return MountedVolume(_device(spec), read_only)
    if "local" in spec:
        target = directory / LOCAL_PLUGIN / name_of(volume)
        return MountedVolume(_set_up_local(spec["local"], target, options, read_only), read_only)
    if "hostPath" in spec:
        source = spec["hostPath"]
        return MountedVolume(set_up_host_path(source["path"], source.get("type") or ""), read_only)
    if "nfs" in spec:
        return set_up_nfs(spec["nfs"], directory / NFS_PLUGIN / name_of(volume), options, read_only=read_only)
    raise MountError(NO_PLUGIN)


def check_kind(name: str, source: Object) -> None:
    """Of a pod's volume or a PersistentVolume's spec. Raises ClaimError for what nobody here knows."""
    if not KINDS & source.keys():
        raise ClaimError(f'failed to get Plugin from volumeSpec for volume "{name}" err={NO_PLUGIN}')


def why_unsupported(source: Object) -> MountError:
    """Of a pod's volume: its kind is known, but it is not set up here."""
    if "gitRepo" in source:
        return MountError(_GIT_REPO)
    return _no_driver(source["csi"]["driver"], *SET_UP)


def _no_driver(driver: str, stage: str, step: str) -> MountError:
    reason = f"driver name {driver} not found in the list of registered CSI drivers"
    return MountError(f"kubernetes.io/csi: {step}: {reason}", stage)


def _set_up_local(source: Object, target: Path, options: list[str], read_only: bool) -> str:
    where = Path(source["path"])
    if not where.exists():
        raise MountError(f'path "{where}" does not exist', NEW_MOUNTER)
    if where.is_block_device():
        mount_device(str(where), target, source.get("fsType") or "", options, read_only=read_only)
        return str(target)
    if not where.is_dir():
        raise MountError("only directory and block device are supported", NEW_MOUNTER)
    return str(where.resolve())


def _device(spec: Object) -> str:
    path = get_path(spec, "local.path")
    if path is None:
        raise MountError(NO_PLUGIN, MAP_BLOCK)
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
