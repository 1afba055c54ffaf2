"""What the engine holds of this node's pods, looked at no more often than things change.

A container that runs or has ended does not change but by an event of its own, so each is inspected once
for each state that Docker's list shows it in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kubelet.runtime.docker.engine import Engine, labelled
from kubelet.runtime.docker.errors import NotFoundInEngine
from kubelet.runtime.docker.labels import NODE, POD_UID, SANDBOX, SANDBOX_ID, Identity, identity_of
from kubelet.runtime.docker.oom import OomLog
from kubelet.runtime.docker.requests import resolv_conf_path
from kubelet.runtime.docker.seen import container_of, image_of, pods_of, sandbox_of, without_scheme
from kubelet.runtime.interface import ImageRef, RuntimeContainer, RuntimePod, RuntimeSandbox
from kubelet.runtime.usage import ContainerDisk
from kubelet.stats.disk import DiskUsage, measure, measure_files

KILLED = 137
"""The exit code of what died of SIGKILL."""
_UNSETTLED = ("created", "removing")
"""A start that failed leaves the list's state as it was."""


@dataclass(frozen=True, slots=True)
class Sighting:
    state: str
    pid: int
    identity: Identity
    value: RuntimeSandbox | RuntimeContainer
    layer: str = ""
    """The folder of what the container has written."""
    log: str = ""
    is_complete: bool = True
    """Of a sandbox: known to have been set up to its end."""


class Sightings:
    def __init__(self, engine: Engine, node: str) -> None:
        self._engine = engine
        self._node = node
        self._known: dict[str, Sighting] = {}
        self._changes: Counter[str] = Counter()
        """How often each was said to have changed: what was asked before may be out of date when it comes."""
        self._images: dict[str, ImageRef | None] = {}
        self._oom = OomLog()

    async def pods(self) -> dict[str, RuntimePod]:
        listed = await self._engine.list_containers(labelled({NODE: self._node}))
        self._forget_all_but({each["Id"] for each in listed})
        return await self._pods(listed)

    async def pod(self, uid: str) -> RuntimePod | None:
        listed = await self._engine.list_containers(labelled({NODE: self._node, POD_UID: uid}))
        return (await self._pods(listed)).get(uid)

    def has_changed(self, docker_id: str) -> None:
        """An event said so. Docker's list lags behind its events for a moment, what it inspects does not."""
        self._known.pop(docker_id, None)
        self._changes[docker_id] += 1

    def has_started(self, docker_id: str) -> None:
        """An event says so of what was started here: who has seen it run knows as much."""
        known = self._known.get(docker_id)
        if known is None or known.state != "running":
            self.has_changed(docker_id)

    def see_sandbox(self, inspected: Mapping[str, Any]) -> RuntimeSandbox:
        """One that has just been made: it is not inspected again."""
        identity = identity_of(inspected["Config"]["Labels"])
        assert identity is not None, "its labels are ours"
        value = sandbox_of(inspected, identity)
        self._known[inspected["Id"]] = _sighting(inspected, identity, value)
        return value

    def running(self) -> dict[str, int]:
        """Container id -> process id, as last seen."""
        return {
            each.value.id: each.pid
            for each in self._known.values()
            if each.pid and isinstance(each.value, RuntimeContainer)
        }

    def measure(self, container_ids: Collection[str]) -> dict[str, ContainerDisk]:
        """Blocks: it walks through their layers."""
        return {
            each.value.id: ContainerDisk(
                measure(Path(each.layer)) if each.layer else DiskUsage(),
                measure_files(Path(each.log).parent.glob(f"{Path(each.log).name}*"))
                if each.log
                else DiskUsage(),
            )
            for each in list(self._known.values())
            if each.value.id in container_ids
        }

    def pid_of(self, pod_uid: str) -> int:
        """Some process of the pod's, as last seen; 0 if none runs."""
        pids = (each.pid for each in self._known.values() if each.identity.pod_uid == pod_uid)
        return next(filter(None, pids), 0)

    def forget_image(self, image_id: str) -> None:
        self._images.pop(image_id, None)

    async def _pods(self, listed: list[Mapping[str, Any]]) -> dict[str, RuntimePod]:
        sightings = await asyncio.gather(*(self._see(each) for each in listed))
        used = {(each["Labels"] or {}).get(SANDBOX_ID, "") for each in listed}
        return pods_of((each.identity, _trusted(each, used)) for each in sightings if each is not None)

    async def _see(self, listed: Mapping[str, Any]) -> Sighting | None:
        docker_id = listed["Id"]
        known, changes = self._known.get(docker_id), self._changes[docker_id]
        if known is not None and known.state == listed["State"]:
            return known
        identity = identity_of(listed["Labels"] or {})
        if identity is None:
            return None
        try:
            sighting = await self._inspect(docker_id, identity)
        except NotFoundInEngine:
            return None
        if sighting.state not in _UNSETTLED and self._changes[docker_id] == changes:
            self._known[docker_id] = sighting
        return sighting

    async def _inspect(self, docker_id: str, identity: Identity) -> Sighting:
        inspected = await self._engine.inspect(docker_id)
        if identity.kind == SANDBOX:
            sandbox = sandbox_of(inspected, identity)
            return replace(_sighting(inspected, identity, sandbox), is_complete=is_known_complete(inspected))
        container = container_of(inspected, identity, await self._image(inspected["Image"]))
        return _sighting(inspected, identity, self._with_oom(container))

    def _with_oom(self, container: RuntimeContainer) -> RuntimeContainer:
        if container.exit_code != KILLED or container.oom_killed:
            return container
        return replace(container, oom_killed=self._oom.has_killed(without_scheme(container.id)))

    def close(self) -> None:
        self._oom.close()

    async def _image(self, image_id: str) -> ImageRef | None:
        if image_id not in self._images:
            self._images[image_id] = await find_image(self._engine, image_id)
        return self._images[image_id]

    def _forget_all_but(self, present: set[str]) -> None:
        for gone in (self._known.keys() | self._changes.keys()) - present:
            self._known.pop(gone, None)
            del self._changes[gone]


def is_known_complete(sandbox: Mapping[str, Any]) -> bool:
    """By its resolv.conf, the last thing that it gets; on the host's network Docker makes one, too."""
    has_begun = sandbox["Config"].get("NetworkDisabled") and sandbox["HostnamePath"]
    return bool(has_begun) and Path(resolv_conf_path(sandbox)).exists()


def _trusted(sighting: Sighting, used: Collection[str]) -> RuntimeSandbox | RuntimeContainer:
    """A kubelet may have died over a sandbox that runs: what is not complete, nor gone on with, is no use."""
    value = sighting.value
    if isinstance(value, RuntimeSandbox) and not sighting.is_complete and value.id not in used:
        return replace(value, ready=False)
    return value


def _sighting(
    inspected: Mapping[str, Any], identity: Identity, value: RuntimeSandbox | RuntimeContainer
) -> Sighting:
    state = inspected["State"]
    layer = ((inspected.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir") or ""
    return Sighting(
        state["Status"], state.get("Pid") or 0, identity, value, layer, inspected.get("LogPath") or ""
    )


def image_path(image: str, what: str = "") -> str:
    return f"/images/{quote(image, safe='/:')}{what}"


async def find_image(engine: Engine, image: str) -> ImageRef | None:
    try:
        return image_of(await engine.look(image_path(image, "/json")))
    except NotFoundInEngine:
        return None
