"""What is mounted into a container: its volumes, /etc/hosts and the file for its last words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from apimachinery.objects import Object
from kubelet.runtime.interface import CreateContainerConfigError, Device, Mount
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.sub_path import prepare_sub_path, sub_path_of

ETC_HOSTS = "/etc/hosts"
DEFAULT_MESSAGE_PATH = "/dev/termination-log"


def volume_mounts(
    container: Object, volumes: Mapping[str, MountedVolume], environment: Mapping[str, str]
) -> list[Mount]:
    """With missing subPaths made. Raises CreateContainerConfigError for one that cannot be had."""
    mounts = container.get("volumeMounts") or ()
    return [_volume_mount(container, mount, volumes, environment) for mount in mounts]


def _volume_mount(
    container: Object, mount: Object, volumes: Mapping[str, MountedVolume], environment: Mapping[str, str]
) -> Mount:
    if mount["name"] not in volumes:
        raise CreateContainerConfigError(
            f'cannot find volume "{mount["name"]}" to mount into container "{container["name"]}"'
        )
    if mount.get("recursiveReadOnly") == "Enabled":
        raise CreateContainerConfigError(
            f'failed to resolve recursive read-only mode: volume "{mount["name"]}" requested recursive '
            "read-only mode, but it is not supported by the runtime"
        )
    volume = volumes[mount["name"]]
    host_path, read_only = volume.path, bool(mount.get("readOnly")) or volume.read_only
    sub_path = sub_path_of(mount, environment)
    if sub_path:
        host_path = prepare_sub_path(
            Path(host_path),
            sub_path,
            mount["name"],
            container["name"],
            makes=not volume.is_image,
        )
    target = mount["mountPath"]
    return Mount(
        host_path=host_path,
        container_path=target if target.startswith("/") else f"/{target}",
        read_only=read_only,
        propagation=mount.get("mountPropagation") or "None",
    )


def volume_devices(container: Object, volumes: Mapping[str, MountedVolume]) -> list[Device]:
    """Raises CreateContainerConfigError."""
    return [_volume_device(container, each, volumes) for each in container.get("volumeDevices") or ()]


def _volume_device(container: Object, device: Object, volumes: Mapping[str, MountedVolume]) -> Device:
    mounted = volumes.get(device["name"])
    if mounted is None:
        raise CreateContainerConfigError(
            f'cannot find volume "{device["name"]}" to pass into container "{container["name"]}"'
        )
    return Device(mounted.path, device["devicePath"], "r" if mounted.read_only else "mrw")


def own_mounts(
    container: Object, mounts: Sequence[Mount], *, hosts_file: str, message_file: str
) -> list[Mount]:
    """The kubelet's own additions, where the pod has not mounted something there itself."""
    taken = {mount.container_path for mount in mounts}
    added = []
    if hosts_file and ETC_HOSTS not in taken:
        added.append(Mount(hosts_file, ETC_HOSTS))
    path = container.get("terminationMessagePath") or DEFAULT_MESSAGE_PATH
    if message_file and path not in taken:
        added.append(Mount(message_file, path))
    return added
