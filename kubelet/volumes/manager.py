"""Sets up the volumes of a pod, keeps them current, takes them away.

One directory per volume under the pod's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from apimachinery.objects import Object, get_path, uid_of
from apimachinery.volumes import claim_of_volume
from kubelet.referenced import NotSynced, ReferencedObjects
from kubelet.volumes.atomic_writer import FileEntry, write_payload
from kubelet.volumes.claimed import ClaimedVolumes
from kubelet.volumes.claims import used_as
from kubelet.volumes.empty_dir import MEMORY, MountMemory, memory_size, set_up_empty_dir
from kubelet.volumes.errors import ClaimError, Lacking, MountError, VolumeError, VolumesError, not_mounted
from kubelet.volumes.host_path import set_up_host_path
from kubelet.volumes.image_folders import ImageFolders
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.mounting import mount_memory, remove_tree
from kubelet.volumes.ownership import give_to_group
from kubelet.volumes.payload import Sources, payload_of, token_requests
from kubelet.volumes.persistent import NFS_PLUGIN, check_kind, set_up_nfs, why_unsupported
from kubelet.volumes.tokens import TokenManager
from kubelet.volumes.use import VolumeUse

_PLUGINS = {
    "emptyDir": "kubernetes.io~empty-dir",
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "downwardAPI": "kubernetes.io~downward-api",
    "projected": "kubernetes.io~projected",
    "nfs": NFS_PLUGIN,
}
_ON_DISK = "configMap"
"""Of what the kubelet writes itself: all else may hold secrets, and is kept in memory."""


class Volumes(Protocol):
    """The seam: real directories, or (hollow nodes) none."""

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, MountedVolume]:
        """Each volume that a container uses, made or brought up to date.

        Raises VolumesError for those that fail when all have been tried.
        """

    async def tear_down(self, uid: str) -> None: ...
    def next_refresh(self, uid: str) -> float | None:
        """Seconds until something in a volume must be renewed though nothing changed."""


class VolumeManager:
    """Volumes as directories under `root`/pods."""

    def __init__(
        self,
        root: Path,
        objects: ReferencedObjects,
        tokens: TokenManager,
        claimed: ClaimedVolumes,
        images: ImageFolders,
        mount_memory: MountMemory = mount_memory,
    ) -> None:
        self._pods = root / "pods"
        self._objects = objects
        self._tokens = tokens
        self._claimed = claimed
        self._images = images
        self._mount_memory = mount_memory
        self._use = VolumeUse()

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, MountedVolume]:
        mounted, failed = {}, []
        for volume in _used_volumes(pod):
            try:
                with self._use.setting_up(uid_of(pod), volume):
                    mounted[volume["name"]] = await self._set_up(pod, volume, allocatable)
            except VolumeError as error:
                failed.append(error)
        if failed:
            raise VolumesError(failed)
        return mounted

    async def tear_down(self, uid: str) -> None:
        self._tokens.forget(uid)
        await asyncio.to_thread(remove_tree, self._pods / uid / "volumes")
        await self._images.collect()
        self._claimed.forget(uid)
        self._use.forget(uid)

    async def set_up_image(self, uid: str, volume: str, image_id: str) -> MountedVolume:
        return await self._images.set_up(uid, volume, image_id)

    def next_refresh(self, uid: str) -> float | None:
        return self._tokens.next_refresh(uid)

    def known_pods(self) -> set[str]:
        """Uids of pods that have a directory here."""
        return {each.name for each in self._pods.iterdir()} if self._pods.is_dir() else set()

    def remove(self, uid: str) -> None:
        """The pod's whole directory."""
        remove_tree(self._pods / uid)

    def remove_message_file(self, path: str) -> None:
        if Path(path).is_relative_to(self._pods):
            Path(path).unlink(missing_ok=True)

    async def _set_up(self, pod: Object, volume: Object, allocatable: Mapping[str, str]) -> MountedVolume:
        if claim_of_volume(pod, volume) is not None:
            return await self._claimed.set_up(pod, volume, self._directory(pod))
        try:
            check_kind(volume["name"], volume)
            return await self._set_up_own(pod, volume, allocatable)
        except ClaimError as error:
            raise VolumeError(volume["name"], Lacking.CLAIM, str(error)) from error
        except (MountError, NotSynced, OSError) as error:
            raise not_mounted(volume["name"], error) from error

    def _directory(self, pod: Object) -> Path:
        return self._pods / uid_of(pod) / "volumes"

    async def _set_up_own(self, pod: Object, volume: Object, allocatable: Mapping[str, str]) -> MountedVolume:
        """What stands in the pod itself."""
        if "hostPath" in volume:
            source = volume["hostPath"]
            path = await asyncio.to_thread(set_up_host_path, source["path"], source.get("type") or "")
            return MountedVolume(path)
        plugin = next((_PLUGINS[key] for key in volume if key in _PLUGINS), None)
        if plugin is None:
            raise why_unsupported(volume)
        target = self._directory(pod) / plugin / volume["name"]
        if "nfs" in volume:
            return await asyncio.to_thread(set_up_nfs, volume["nfs"], target, [], read_only=False)
        if "emptyDir" in volume:
            source = volume["emptyDir"] or {}
            size = memory_size(pod, source.get("sizeLimit"), allocatable)
            return await self._set_up_empty_dir(pod, target, source.get("medium") or "", size)
        payload = payload_of(pod, volume, await self._sources(pod, volume, allocatable)) or {}
        medium, size = "" if _ON_DISK in volume else MEMORY, memory_size(pod, None, allocatable)
        await asyncio.to_thread(set_up_empty_dir, target, medium, size, self._mount_memory)
        if await asyncio.to_thread(write_payload, target, _for_group(pod, payload)):
            await asyncio.to_thread(give_to_group, pod, target, read_only=True)
        return MountedVolume(str(target), read_only=True)

    async def _set_up_empty_dir(self, pod: Object, target: Path, medium: str, size: int) -> MountedVolume:
        made = await asyncio.to_thread(target.exists)
        path = await asyncio.to_thread(set_up_empty_dir, target, medium, size, self._mount_memory)
        if not made:
            await asyncio.to_thread(give_to_group, pod, target, read_only=False)
        return MountedVolume(path)

    async def _sources(self, pod: Object, volume: Object, allocatable: Mapping[str, str]) -> Sources:
        own = {"metadata": pod["metadata"], "spec": {"volumes": [volume]}}
        return Sources(
            config_maps=await self._objects.of_kind(own, "configmap"),
            secrets=await self._objects.of_kind(own, "secret"),
            tokens={each: await self._tokens.token(pod, each) for each in token_requests(volume)},
            allocatable=allocatable,
        )


def _used_volumes(pod: Object) -> Iterator[Object]:
    """Those that a container mounts: of the others nobody notices whether they are there.

    Images are set up when the container is (`pods/image_volumes.py`).
    """
    for volume in (pod.get("spec") or {}).get("volumes") or ():
        if "image" not in volume and used_as(pod, volume["name"]):
            yield volume


def _for_group(pod: Object, payload: Mapping[str, FileEntry]) -> dict[str, FileEntry]:
    """With the ownership that fsGroup will give the files: an unchanged volume is seen to be unchanged."""
    group = get_path(pod, "spec.securityContext.fsGroup")
    if group is None:
        return dict(payload)
    return {
        path: FileEntry(each.data, each.mode | 0o440, each.owner, group) for path, each in payload.items()
    }


class NoVolumes:
    """The hollow twin: every volume is said to be there."""

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, MountedVolume]:
        return {each["name"]: MountedVolume(f"/{each['name']}") for each in _used_volumes(pod)}

    async def set_up_image(self, uid: str, volume: str, image_id: str) -> MountedVolume:
        return MountedVolume(f"/{volume}", read_only=True, is_image=True)

    async def tear_down(self, uid: str) -> None:
        return None

    def next_refresh(self, uid: str) -> float | None:
        return None

    def known_pods(self) -> set[str]:
        return set()

    def remove(self, uid: str) -> None:
        return None

    def remove_message_file(self, path: str) -> None:
        return None
