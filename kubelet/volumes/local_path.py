"""The directories behind this node's local-path volumes: made before they are used, deleted after.

The protocol is in apimachinery/local_path.py. Whatever is interrupted is finished by the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from apimachinery.local_path import FINALIZER, MADE, NODE_LABEL
from apimachinery.objects import (
    NamespacedName,
    Object,
    annotations_of,
    get_path,
    is_terminating,
    labels_of,
    name_of,
    resource_version_of,
)
from apimachinery.scheme import PERSISTENT_VOLUMES
from client.controller import Controller, TerminalError, Watch, by_name
from client.informer import Informer
from client.rest import Client
from kubelet.volumes.mounting import remove_tree

OURS, EVERYBODYS = 0o700, 0o777
"""Of the directory that holds all volumes, and of each: nobody knows yet which user the pod will run as."""


@dataclass(frozen=True, slots=True)
class Make:
    path: str


@dataclass(frozen=True, slots=True)
class Delete:
    path: str


@dataclass(frozen=True, slots=True)
class LetGo:
    """The volume goes, what was in it stays."""


Plan = Make | Delete | LetGo | None


def plan_directory(volume: Object) -> Plan:
    """It is made once, and goes last of all, if the volume's policy says so."""
    path = get_path(volume, "spec.local.path", "")
    if not is_terminating(volume):
        return None if MADE in annotations_of(volume) else Make(path)
    if get_path(volume, "metadata.finalizers") != [FINALIZER]:
        return None
    deletes = get_path(volume, "spec.persistentVolumeReclaimPolicy") == "Delete"
    return Delete(path) if deletes else LetGo()


def is_proper(volume: Object) -> bool:
    """Whether the path is one that the provisioner gives: whoever writes volumes shall not delete /etc."""
    path = PurePosixPath(get_path(volume, "spec.local.path", ""))
    return path.is_absolute() and ".." not in path.parts and path.name.startswith(f"{name_of(volume)}_")


class Disk(Protocol):
    """The seam: the node's disk, or (hollow nodes) none."""

    def make(self, path: str) -> None: ...
    def delete(self, path: str) -> None: ...


class NodeDisk:
    def make(self, path: str) -> None:
        """Open to every user of a pod, but not to those of the node."""
        directory = Path(path)
        directory.parent.mkdir(mode=OURS, parents=True, exist_ok=True)
        directory.mkdir(exist_ok=True)
        directory.chmod(EVERYBODYS)

    def delete(self, path: str) -> None:
        remove_tree(Path(path))


class NoDisk:
    def make(self, path: str) -> None:
        return None

    def delete(self, path: str) -> None:
        return None


class LocalPathVolumes:
    """One loop for the node, or all hollow nodes, of this process."""

    def __init__(self, client: Client, nodes: Container[str], selector: str, disk: Disk) -> None:
        self._client = client
        self._nodes = nodes
        self._disk = disk
        self._volumes = Informer(client, PERSISTENT_VOLUMES, label_selector=selector)

    async def run(self) -> None:
        """Never ends."""
        controller = Controller("local-path", self.reconcile, watches=[Watch(self._volumes, by_name)])
        async with asyncio.TaskGroup() as group:
            group.create_task(self._volumes.run())
            group.create_task(controller.run())

    async def reconcile(self, key: NamespacedName) -> float | None:
        volume = self._volumes.get(key)
        if volume is None or labels_of(volume).get(NODE_LABEL) not in self._nodes:
            return None
        if not is_proper(volume):
            raise TerminalError(f"not a path for volume {key}: {get_path(volume, 'spec.local.path')}")
        match plan_directory(volume):
            case Make(path):
                await asyncio.to_thread(self._disk.make, path)
                await self._patch(volume, {"annotations": {MADE: "true"}})
            case Delete(path):
                await asyncio.to_thread(self._disk.delete, path)
                await self._patch(volume, {"finalizers": []})
            case LetGo():
                await self._patch(volume, {"finalizers": []})
        return None

    async def _patch(self, volume: Object, metadata: Object) -> None:
        """Only as it was planned on: if the volume has changed since, the next look knows what to do."""
        guarded = {**metadata, "resourceVersion": resource_version_of(volume)}
        await self._client.patch(PERSISTENT_VOLUMES, name_of(volume), {"metadata": guarded})
