"""The volumes that pods have through claims: looked up, checked, set up once, and remembered while in use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from apimachinery import volumes
from apimachinery.objects import Object, get_path, labels_of, name_of, uid_of
from kubelet.volumes.claims import Claims
from kubelet.volumes.errors import ClaimError, Lacking, MountError, VolumeError, not_mounted
from kubelet.volumes.mounted import MountedVolume
from kubelet.volumes.ownership import give_to_group
from kubelet.volumes.persistent import check_kind, set_up_persistent


class _Use(NamedTuple):
    """A PersistentVolume in use by a pod."""

    volume: str
    mounted: MountedVolume


class ClaimedVolumes:
    """`node` gives the Node object as it is known now."""

    def __init__(self, claims: Claims, node: Callable[[], Object | None]) -> None:
        self._claims = claims
        self._node = node
        self._in_use: dict[tuple[str, str], _Use] = {}
        """By the pod's uid and its volume's name. After a restart they are looked up again."""

    async def set_up(self, pod: Object, volume: Object, directory: Path) -> MountedVolume:
        """What has to be mounted is mounted below `directory`. Raises VolumeError."""
        key = uid_of(pod), volume["name"]
        if key not in self._in_use:
            try:
                persistent = await self._claims.volume_of(pod, volume)
                check_kind(name_of(persistent), persistent["spec"])
                is_attached = await self._is_attached(persistent)
            except ClaimError as error:
                raise VolumeError(volume["name"], Lacking.CLAIM, str(error)) from error
            if not is_attached:
                message = f'volume "{name_of(persistent)}" is not attached'
                raise VolumeError(volume["name"], Lacking.ATTACHMENT, message)
            try:
                mounted = await self._mount(pod, volume, persistent, directory)
            except (MountError, OSError) as error:
                raise not_mounted(volume["name"], error, name_of(persistent)) from error
            self._in_use[key] = _Use(name_of(persistent), mounted)
        return self._in_use[key].mounted

    def forget(self, uid: str) -> None:
        """The pod's volumes have been torn down."""
        for key in [each for each in self._in_use if each[0] == uid]:
            del self._in_use[key]

    async def _mount(self, pod: Object, volume: Object, persistent: Object, directory: Path) -> MountedVolume:
        self._check_node(persistent)
        self._check_sharing(pod, persistent)
        read_only = bool(get_path(volume, "persistentVolumeClaim.readOnly"))
        mounted = await asyncio.to_thread(set_up_persistent, persistent, directory, read_only=read_only)
        if _is_for_group(persistent) and not read_only:
            await asyncio.to_thread(give_to_group, pod, Path(mounted.path), read_only=False)
        return mounted

    async def _is_attached(self, persistent: Object) -> bool:
        """A controller does that and tells the node, where it has to be done. Raises ClaimError."""
        source = persistent["spec"].get("csi")
        if source is None or not await self._claims.must_be_attached(source["driver"]):
            return True
        name = volumes.unique_csi_name(source["driver"], source["volumeHandle"])
        attached = get_path(self._node(), "status.volumesAttached", [])
        return any(each["name"] == name for each in attached)

    def _check_node(self, persistent: Object) -> None:
        """The scheduler has seen to it, but not everybody asks the scheduler."""
        node = self._node()
        if node is not None and not volumes.is_usable_on(persistent, name_of(node), labels_of(node)):
            raise MountError("no matching NodeSelectorTerms", "MountVolume.NodeAffinity check")

    def _check_sharing(self, pod: Object, persistent: Object) -> None:
        users = {uid for (uid, _), use in self._in_use.items() if use.volume == name_of(persistent)}
        if "ReadWriteOncePod" in volumes.access_modes_of(persistent) and users - {uid_of(pod)}:
            text = "volume uses the ReadWriteOncePod access mode and is already in use by another pod"
            raise MountError(text)


def _is_for_group(persistent: Object) -> bool:
    """fsGroup changes local file systems only: the others belong to somebody else, as upstream has it."""
    return "local" in persistent["spec"] and volumes.mode_of(persistent) == volumes.FILESYSTEM
