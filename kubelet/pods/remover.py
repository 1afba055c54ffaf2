"""Takes away what is left of a pod: dead containers, sandboxes, its cgroup, files."""

from __future__ import annotations

from typing import Protocol

from kubelet.cgroups.tree import PodCgroups
from kubelet.containers.config import MESSAGE_FILE_ANNOTATION
from kubelet.runtime.interface import Runtime, RuntimeContainer, RuntimePod


class Leftovers(Protocol):
    """What else is kept per pod on the node."""

    async def tear_down(self, uid: str) -> None: ...
    def remove_message_file(self, path: str) -> None: ...
    def remove(self, uid: str) -> None: ...


class PodRemover:
    def __init__(self, runtime: Runtime, cgroups: PodCgroups, leftovers: Leftovers) -> None:
        self._runtime = runtime
        self._cgroups = cgroups
        self._leftovers = leftovers

    async def remove(self, uid: str, seen: RuntimePod | None) -> None:
        """Everything; nothing of the pod may run any more."""
        for container in seen.containers if seen else ():
            await self._runtime.remove_container(container.id)
        for sandbox in seen.sandboxes if seen else ():
            await self._runtime.remove_sandbox(sandbox.id)
        await self._cgroups.end(uid)
        await self._leftovers.tear_down(uid)
        self._leftovers.remove(uid)

    async def remove_cgroup(self, uid: str) -> None:
        await self._cgroups.end(uid)

    async def remove_container(self, container: RuntimeContainer) -> None:
        await self._runtime.remove_container(container.id)
        path = container.annotations.get(MESSAGE_FILE_ANNOTATION)
        if path:
            self._leftovers.remove_message_file(path)
