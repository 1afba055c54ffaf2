"""A node of either kind of runtime, and short ways to start pods on it, for the runtime tests."""

from __future__ import annotations

import asyncio
import itertools
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from kubelet.network.cleanup import cleanup_network
from kubelet.network.pod_network import PodNetwork
from kubelet.runtime.docker.runtime import DockerRuntime
from kubelet.runtime.hollow import HollowImages, HollowRuntime
from kubelet.runtime.interface import (
    ContainerConfig,
    ContainerState,
    Resources,
    Runtime,
    RuntimeContainer,
    RuntimePod,
    RuntimeSandbox,
    SandboxConfig,
    Security,
)

IMAGE = "busybox:local"
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 44
_NODES = itertools.count()
"""Who runs beside us has other addresses, and so has a cluster."""
_NOTHING = ContainerConfig(
    name="web", attempt=0, image=IMAGE, command=None, args=None, working_dir="", env=(), mounts=(),
    resources=Resources(), security=Security(),
)  # fmt: skip


def container(*command: str, **changes: object) -> ContainerConfig:
    return replace(_NOTHING, command=command, **changes)  # type: ignore[arg-type]


def shell(script: str, **changes: object) -> ContainerConfig:
    return container("sh", "-c", script, **changes)


@dataclass(slots=True)
class Node:
    runtime: Runtime
    is_real: bool
    uids: list[str] = field(default_factory=list)

    async def sandbox(self, **options: object) -> tuple[str, RuntimeSandbox]:
        uid = str(uuid.uuid4())
        self.uids.append(uid)
        config = SandboxConfig("ns", f"pod-{len(self.uids)}", uid, 0, "host-a", **options)  # type: ignore[arg-type]
        return uid, await self.runtime.create_sandbox(config)

    async def start(self, config: ContainerConfig, **options: object) -> tuple[str, str]:
        """The pod's uid and the container's id."""
        uid, sandbox = await self.sandbox(**options)
        made = await self.runtime.create_container(uid, sandbox.id, config)
        await self.runtime.start_container(made)
        return uid, made

    async def pod(self, uid: str) -> RuntimePod:
        found = await self.runtime.get_pod(uid)
        assert found is not None
        return found

    async def ended(self, uid: str, limit: float = 120) -> RuntimeContainer:
        return await self.until(uid, lambda each: each.state is ContainerState.EXITED, limit)

    async def until(
        self, uid: str, condition: Callable[[RuntimeContainer], bool], limit: float = 120
    ) -> RuntimeContainer:
        """Woken by events, as a kubelet is."""
        async with asyncio.timeout(limit):
            events = self.runtime.events()
            async for _ in events:
                newest = (await self.pod(uid)).containers[0]
                if condition(newest):
                    await events.aclose()  # type: ignore[attr-defined]
                    return newest
        raise AssertionError("events never end by themselves")

    async def remove_all(self) -> None:
        pods = await self.runtime.list_pods()
        await asyncio.gather(*(remove_pod(self.runtime, pod) for pod in pods.values()))


async def remove_pod(runtime: Runtime, pod: RuntimePod) -> None:
    for each in pod.containers:
        await runtime.remove_container(each.id)
    for sandbox in pod.sandboxes:
        await runtime.remove_sandbox(sandbox.id)


@asynccontextmanager
async def hollow_node() -> AsyncIterator[Node]:
    runtime = HollowRuntime(
        now=lambda: datetime.now(UTC), images=HollowImages([IMAGE]), pod_cidr="10.244.0.0/24"
    )
    yield Node(runtime, is_real=False)
    await runtime.aclose()


@asynccontextmanager
async def docker_node() -> AsyncIterator[Node]:
    """A node of its own on this machine's engine: own name, own bridge, nothing left behind."""
    runtime, name = new_docker_runtime()
    await runtime.update_pod_cidr(f"10.{200 + _WORKER}.{next(_NODES) % 256}.0/24")
    node = Node(runtime, is_real=True)
    try:
        yield node
    finally:
        await node.remove_all()
        await runtime.aclose()
        await asyncio.to_thread(cleanup_network, name)


def new_docker_runtime(name: str = "") -> tuple[DockerRuntime, str]:
    name = name or f"test-{uuid.uuid4()}"
    return DockerRuntime(PodNetwork(name, "10.192.0.0/10")), name


def require_docker() -> None:
    """Skips where no engine answers; makes the images it needs."""
    from kubelet.images.local import ensure_local_images

    try:
        ensure_local_images()
    except Exception as error:
        pytest.skip(f"no Docker engine answers: {error}")
