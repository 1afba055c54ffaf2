"""Sets up the volumes of a pod, keeps them current, takes them away.

One directory per volume under the pod's own.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from apimachinery.objects import Object, get_path, uid_of
from kubelet.referenced import NotSynced, ReferencedObjects
from kubelet.volumes.atomic_writer import FileEntry, write_payload
from kubelet.volumes.empty_dir import set_up_empty_dir, tear_down_mount
from kubelet.volumes.host_path import set_up_host_path
from kubelet.volumes.ownership import set_ownership
from kubelet.volumes.payload import MountError, Sources, payload_of, token_requests
from kubelet.volumes.tokens import TokenManager

_PLUGINS = {
    "emptyDir": "kubernetes.io~empty-dir",
    "configMap": "kubernetes.io~configmap",
    "secret": "kubernetes.io~secret",
    "downwardAPI": "kubernetes.io~downward-api",
    "projected": "kubernetes.io~projected",
}


class Volumes(Protocol):
    """The seam: real directories, or (hollow nodes) none."""

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, str]:
        """The host path of each volume, made or brought up to date.

        Raises VolumeError for the first that fails.
        """

    async def tear_down(self, uid: str) -> None: ...
    def next_refresh(self, uid: str) -> float | None:
        """Seconds until something in a volume must be renewed though nothing changed."""


class VolumeError(Exception):
    """A volume of a pod could not be set up; the message is the FailedMount Event's."""

    def __init__(self, volume: str, why: str) -> None:
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {why}')


class VolumeManager:
    """Volumes as directories under `root`/pods."""

    def __init__(self, root: Path, objects: ReferencedObjects, tokens: TokenManager) -> None:
        self._pods = root / "pods"
        self._objects = objects
        self._tokens = tokens

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, str]:
        paths = {}
        for volume in (pod.get("spec") or {}).get("volumes") or ():
            try:
                paths[volume["name"]] = await self._set_up(pod, volume, allocatable)
            except (MountError, NotSynced, OSError) as error:
                raise VolumeError(volume["name"], str(error)) from error
        return paths

    async def tear_down(self, uid: str) -> None:
        self._tokens.forget(uid)
        await asyncio.to_thread(self._remove_volumes, uid)

    def next_refresh(self, uid: str) -> float | None:
        return self._tokens.next_refresh(uid)

    def known_pods(self) -> set[str]:
        """Uids of pods that have a directory here."""
        return {each.name for each in self._pods.iterdir()} if self._pods.is_dir() else set()

    def remove(self, uid: str) -> None:
        """The pod's whole directory."""
        shutil.rmtree(self._pods / uid, ignore_errors=True)

    def remove_message_file(self, path: str) -> None:
        if Path(path).is_relative_to(self._pods):
            Path(path).unlink(missing_ok=True)

    def _remove_volumes(self, uid: str) -> None:
        for volume in (self._pods / uid / "volumes").glob("*/*"):
            tear_down_mount(volume)
        shutil.rmtree(self._pods / uid / "volumes", ignore_errors=True)

    async def _set_up(self, pod: Object, volume: Object, allocatable: Mapping[str, str]) -> str:
        if "hostPath" in volume:
            source = volume["hostPath"]
            return set_up_host_path(source["path"], source.get("type") or "")
        plugin = next((_PLUGINS[key] for key in volume if key in _PLUGINS), None)
        if plugin is None:
            kind = next((key for key in volume if key != "name"), "nothing")
            raise MountError(f"no volume plugin matched: {kind}")
        target = self._pods / uid_of(pod) / "volumes" / plugin / volume["name"]
        if "emptyDir" in volume:
            made = target.exists()
            path = await asyncio.to_thread(set_up_empty_dir, target, volume["emptyDir"] or {})
            if not made:
                await self._own(pod, target, read_only=False)
            return path
        payload = payload_of(pod, volume, await self._sources(pod, volume, allocatable)) or {}
        changed = await asyncio.to_thread(_publish, target, _for_group(pod, payload))
        if changed:
            await self._own(pod, target, read_only=True)
        return str(target)

    async def _sources(self, pod: Object, volume: Object, allocatable: Mapping[str, str]) -> Sources:
        own = {"metadata": pod["metadata"], "spec": {"volumes": [volume]}}
        return Sources(
            config_maps=await self._objects.of_kind(own, "configmap"),
            secrets=await self._objects.of_kind(own, "secret"),
            tokens={each: await self._tokens.token(pod, each) for each in token_requests(volume)},
            allocatable=allocatable,
        )

    async def _own(self, pod: Object, target: Path, *, read_only: bool) -> None:
        group = get_path(pod, "spec.securityContext.fsGroup")
        if group is None:
            return
        policy = get_path(pod, "spec.securityContext.fsGroupChangePolicy")
        await asyncio.to_thread(
            set_ownership, target, group, read_only=read_only, only_on_mismatch=policy == "OnRootMismatch"
        )


def _for_group(pod: Object, payload: Mapping[str, FileEntry]) -> dict[str, FileEntry]:
    """With the ownership that fsGroup will give the files: an unchanged volume is seen to be unchanged."""
    group = get_path(pod, "spec.securityContext.fsGroup")
    if group is None:
        return dict(payload)
    return {
        path: FileEntry(each.data, each.mode | 0o440, each.owner, group) for path, each in payload.items()
    }


def _publish(target: Path, payload: Mapping[str, FileEntry]) -> bool:
    target.mkdir(parents=True, exist_ok=True)
    return write_payload(target, payload)


class NoVolumes:
    """The hollow twin: every volume is said to be there."""

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, str]:
        return {each["name"]: f"/{each['name']}" for each in (pod.get("spec") or {}).get("volumes") or ()}

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
