"""A whole kubelet under virtual time: the real code over a hollow engine and an API server of a few dicts."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from apimachinery.conditions import find_condition, is_condition_true
from apimachinery.errors import NotFoundError
from apimachinery.objects import NamespacedName, Object, deep_copy, key_of
from apimachinery.scheme import PODS
from client.informer import Informer
from kubelet.assembly import Assembly, Seams, Waker, assemble
from kubelet.hollow_nodes import HollowProber, NoReferences
from kubelet.node.agent import NodeAgent
from kubelet.node.machine import Machine
from kubelet.node.sources import DescribedSource
from kubelet.node.status import NodeConfig
from kubelet.pods.preparer import HollowPreparer, PullSecrets
from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.interface import RuntimeContainer, RuntimeVersion
from kubelet.settings import PodSettings
from kubelet.static_pods.manifest import Origin, static_pod
from kubelet.static_pods.sources import StaticPods
from kubelet.volumes.errors import VolumeError, VolumesError
from kubelet.volumes.manager import NoVolumes
from kubelet.volumes.mounted import MountedVolume

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
MACHINE = Machine(cpus=2, memory=4 << 30, disk=100 << 30)


def now() -> datetime:
    return EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class PodApi:
    """As much of an API server (and of its client) as a kubelet needs for pods."""

    def __init__(self) -> None:
        self.pods: dict[NamespacedName, Object] = {}
        self.history: list[Object] = []
        self.deaf_to = ""
        """A field of the status that is never stored."""
        self._watches: list[asyncio.Queue[tuple[str, Object]]] = []
        self._changed = asyncio.Event()
        self._revision = 10

    async def next_change(self, limit: float) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._changed.wait()

    # What users do.

    def put(self, pod: Object) -> None:
        kind = "MODIFIED" if key_of(pod) in self.pods else "ADDED"
        self._store(kind, pod)

    def change(self, **spec: Any) -> None:
        pod = self.only()
        pod["spec"] |= spec
        self._store("MODIFIED", pod)

    def delete_pod(self, grace: int) -> None:
        pod = self.only()
        if grace == 0:
            self._remove(pod)
            return
        pod["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": grace}
        self._store("MODIFIED", pod)

    def remove(self, pod: Object) -> None:
        self._remove(pod)

    def only(self) -> Object:
        (pod,) = self.pods.values()
        return deep_copy(pod)

    # What the kubelet's client does.

    async def list(self, resource: Any, namespace: str | None = None, **ignored: Any) -> Object:
        items = [deep_copy(pod) for pod in self.pods.values()]
        return {"items": items, "metadata": {"resourceVersion": str(self._revision)}}

    async def watch(
        self, resource: Any, namespace: str | None = None, **ignored: Any
    ) -> AsyncIterator[tuple[str, Object]]:
        queue: asyncio.Queue[tuple[str, Object]] = asyncio.Queue()
        self._watches.append(queue)
        while True:
            yield await queue.get()

    async def patch(
        self, resource: Any, name: str, patch: Object, namespace: str = "", **ignored: Any
    ) -> Object:
        pod = deep_copy(self._found(namespace, name))
        status = pod.setdefault("status", {})
        for key, value in patch["status"].items():
            if key == self.deaf_to:
                continue
            if key == "conditions":
                old = {each["type"]: each for each in status.get(key, ())}
                merged = old | {each["type"]: each for each in value}
                status[key] = [each for each in merged.values() if "$patch" not in each]
            elif value is None:
                status.pop(key, None)
            else:
                status[key] = (
                    [each for each in value if "$patch" not in each] if key.endswith("IPs") else value
                )
        self._store("MODIFIED", pod)
        return deep_copy(pod)

    async def create(self, resource: Any, pod: Object, namespace: str) -> Object:
        made = deep_copy(pod)
        made["metadata"] |= {"uid": f"api-{self._revision}"}
        self._store("ADDED", made)
        return deep_copy(made)

    async def delete(self, resource: Any, name: str, namespace: str = "", *, options: Object) -> Object:
        pod = self._found(namespace, name)
        assert options["preconditions"] == {"uid": pod["metadata"]["uid"]}
        self._remove(pod)
        return {}

    def _found(self, namespace: str, name: str) -> Object:
        pod = self.pods.get(NamespacedName(namespace, name))
        if pod is None:
            raise NotFoundError(PODS, name)
        return pod

    def _store(self, kind: str, pod: Object) -> None:
        self._revision += 1
        pod["metadata"]["resourceVersion"] = str(self._revision)
        self.pods[key_of(pod)] = pod
        self.history.append(deep_copy(pod))
        self._tell(kind, pod)

    def _remove(self, pod: Object) -> None:
        self._revision += 1
        gone = self.pods.pop(key_of(pod))
        gone["metadata"]["resourceVersion"] = str(self._revision)
        self._tell("DELETED", gone)

    def _tell(self, kind: str, pod: Object) -> None:
        self._changed.set()
        for queue in self._watches:
            queue.put_nowait((kind, deep_copy(pod)))


class Events:
    """Recorded Events as `Reason: message`."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def event(self, obj: Object, type: str, reason: str, message: str, annotations: Any = None) -> None:
        self.seen.append(f"{reason}: {message}")

    def reasons(self) -> list[str]:
        return [each.partition(":")[0] for each in self.seen]


class Volumes(NoVolumes):
    """No files, but perhaps some of a pod that is long gone, which can't be deleted at first."""

    def __init__(self) -> None:
        self.stuck: dict[str, int] = {}
        """How often deleting the files of a pod will yet fail."""
        self.failing: list[VolumeError] = []

    async def set_up(self, pod: Object, allocatable: Mapping[str, str]) -> dict[str, MountedVolume]:
        if self.failing:
            raise VolumesError(self.failing)
        return await super().set_up(pod, allocatable)

    def known_pods(self) -> set[str]:
        return set(self.stuck)

    async def tear_down(self, uid: str) -> None:
        if self.stuck.get(uid):
            self.stuck[uid] -= 1
            raise OSError(errno.EBUSY, "still mounted", f"/pods/{uid}")

    def remove(self, uid: str) -> None:
        self.stuck.pop(uid, None)


class Preparer(HollowPreparer):
    def __init__(self) -> None:
        super().__init__(PodSettings())
        self.missing: list[str] = []
        """Pull secrets that are not there."""

    async def pull_secrets(self, pod: Object) -> PullSecrets:
        return PullSecrets(missing=self.missing)


class Manifests:
    """The node's files as a test says they are."""

    def __init__(self) -> None:
        self._texts: dict[str, bytes] = {}
        self._changed = asyncio.Event()
        self.known = asyncio.Event()
        self.known.set()

    def put(self, name: str, pod: Object | None) -> None:
        self._texts |= {name: orjson.dumps(pod)}
        if pod is None:
            del self._texts[name]
        self._changed.set()

    def read(self) -> StaticPods:
        pods = [static_pod(text, Origin("file", name, "n1"), EPOCH) for name, text in self._texts.items()]
        return {key_of(pod): pod for pod in pods}

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def wait_known(self) -> None:
        await self.known.wait()

    def close(self) -> None:
        return None


class World:
    """One node. What outlives a kubelet is here; `restart` makes another kubelet on the same engine."""

    def __init__(self) -> None:
        self.api = PodApi()
        self.events = Events()
        self.volumes = Volumes()
        self.preparer = Preparer()
        self.manifests = Manifests()
        self.runtime = HollowRuntime(now=now, pod_cidr="10.244.0.0/24", images=HollowImages(["busybox:1"]))
        self.assembly: Assembly
        self._task: asyncio.Task[None]

    async def start(self) -> None:
        config = NodeConfig("n1", ("192.0.2.1",), "n1", max_pods=3)
        agent = NodeAgent(self.api, config, DescribedSource(MACHINE, RuntimeVersion("hollow", "1", "1")), now)  # type: ignore[arg-type]
        agent.observe(
            {
                "metadata": {"name": "n1", "uid": "node-1", "labels": {"disk": "ssd"}},
                "spec": {},
                "status": {"allocatable": {"cpu": "2", "pods": "3"}},
            }
        )
        prober = HollowProber(self.runtime)
        seams = Seams(
            self.runtime, prober, self.preparer, self.volumes, NoReferences(), self.events, [self.manifests]
        )
        self.assembly = assemble(
            client=self.api,  # type: ignore[arg-type]
            seams=seams,
            agents={"n1": agent},
            pods=Informer(self.api, PODS),  # type: ignore[arg-type]
            settings=PodSettings(),
            waker=Waker(),
            now=now,
            rng=random.Random(0),
        )
        self._task = asyncio.create_task(self.assembly.kubelet.run())
        await self.assembly.kubelet.pods.wait_synced()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.assembly.aclose()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def until(self, holds: Callable[[], bool], limit: float = 600.0) -> float:
        """The virtual time at which it came true."""
        loop = asyncio.get_running_loop()
        end = loop.time() + limit
        while not holds():
            assert loop.time() < end, f"not in time: {self.events.seen} {list(self.api.pods.values())}"
            await self.api.next_change(limit=1.0)
        return loop.time()

    async def until_ready(self) -> float:
        return await self.until(lambda: is_condition_true(self.pod(), "Ready"))

    async def until_restarted(self, times: int) -> float:
        return await self.until(lambda: self.container().get("restartCount") == times, 3000)

    async def until_waiting(self, reason: str) -> float:
        return await self.until(lambda: self.state().get("waiting", {}).get("reason") == reason)

    def pod(self) -> Object:
        return next(iter(self.api.pods.values()), {})

    def phase(self, name: str) -> str:
        found = [pod for key, pod in self.api.pods.items() if key.name == name]
        return str((found[0].get("status") or {}).get("phase")) if found else ""

    def container(self, name: str = "web") -> Object:
        statuses = self.pod().get("status", {}).get("containerStatuses", [])
        return next((each for each in statuses if each["name"] == name), {})

    def state(self, name: str = "web") -> Object:
        return self.container(name).get("state", {})  # type: ignore[no-any-return]

    def condition(self, type: str, field: str = "status") -> str:
        found = find_condition(self.pod().get("status", {}).get("conditions"), type)
        return (found or {}).get(field) or ""

    async def engine(self) -> list[RuntimeContainer]:
        return [each for pod in (await self.runtime.list_pods()).values() for each in pod.containers]


@asynccontextmanager
async def living() -> AsyncIterator[World]:
    world = World()
    await world.start()
    try:
        yield world
    finally:
        await world.stop()
