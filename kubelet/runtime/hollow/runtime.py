"""The runtime's twin in memory: what a whole node's engine holds, for tests and for `--hollow-nodes`.

Containers play what their pod's annotations or their command say. No task, thread or socket of its own:
a running container costs a record and perhaps one timer, so thousands of nodes fit into one process, and the
loop is the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from kubelet.network.ipam import AddressesExhausted, AddressPool
from kubelet.runtime.events import EventFeed
from kubelet.runtime.hollow.behaviour import behaviour_of, draw
from kubelet.runtime.hollow.commands import Exit, parse_command
from kubelet.runtime.hollow.container import SIGKILL, HollowContainer
from kubelet.runtime.hollow.images import HollowImages
from kubelet.runtime.hollow.logs import is_wanted, limiter, render, select
from kubelet.runtime.hollow.streams import HollowAttach, HollowExec
from kubelet.runtime.interface import (
    ContainerConfig,
    ContainerRuntimeError,
    ContainerState,
    ContainerUsage,
    CreateContainerError,
    ExecResult,
    ImageRef,
    LogOptions,
    PullCredentials,
    RunContainerError,
    RuntimeContainer,
    RuntimeEvent,
    RuntimePod,
    RuntimeSandbox,
    RuntimeUnavailable,
    RuntimeVersion,
    SandboxConfig,
    SandboxError,
)

_START_ERROR_CODE = 128


@dataclass(frozen=True, slots=True)
class HollowOptions:
    """Latencies as durations or ranges (`100ms`, `1s-5s`)."""

    sandbox_latency: str = "0"
    start_latency: str = "0"
    node_ip: str = "127.0.0.1"


class _Pod:
    __slots__ = ("config", "containers", "sandboxes")

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.sandboxes: dict[str, RuntimeSandbox] = {}
        self.containers: dict[str, HollowContainer] = {}

    def seen(self) -> RuntimePod:
        newest = sorted(self.containers.values(), key=lambda each: -each.seen.created_at)
        sandboxes = sorted(self.sandboxes.values(), key=lambda each: -each.attempt)
        config = self.config
        return RuntimePod(
            config.uid, config.namespace, config.name, tuple(sandboxes), tuple(each.seen for each in newest)
        )


class HollowRuntime:
    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        random: Random | None = None,
        images: HollowImages | None = None,
        options: HollowOptions | None = None,
        pod_cidr: str = "",
    ) -> None:
        self.images = images or HollowImages()
        self._clock = now
        self._random = random or Random(0)
        self._options = options or HollowOptions()
        self._pods: dict[str, _Pod] = {}
        self._containers: dict[str, HollowContainer] = {}
        self._pod_uids: dict[str, str] = {}
        """By sandbox."""
        self._feed = EventFeed()
        self._addresses = AddressPool(pod_cidr) if pod_cidr else None
        self._is_down = False

    # For those who direct the play.

    def break_engine(self) -> None:
        """As if dockerd had been stopped: every call is refused and the events end; containers go on."""
        self._is_down = True
        self._feed.break_off()

    def mend_engine(self) -> None:
        self._is_down = False

    def kill(self, container_id: str, *, code: int = 137, oom: bool = False) -> None:
        """The container dies, nobody asked for it."""
        self._containers[container_id].end(code, signal=SIGKILL if code == 137 else 0, oom=oom)

    def kill_sandbox(self, sandbox_id: str) -> None:
        pod = self._pod_of_sandbox(sandbox_id)
        if pod is not None:
            self._end_sandbox(pod, sandbox_id)

    def write_log(self, container_id: str, data: bytes, stream: int = 1) -> None:
        self._containers[container_id].write(stream, data)

    def answers(self, container_id: str) -> bool:
        """What an http, tcp or grpc probe of this container finds."""
        container = self._containers.get(container_id)
        return container is not None and container.answers()

    # The Runtime.

    async def version(self) -> RuntimeVersion:
        self._check()
        return RuntimeVersion("hollow", "1.0.0", "1.0.0")

    async def update_pod_cidr(self, cidr: str) -> None:
        if self._addresses is None or str(self._addresses.network) != cidr:
            self._addresses = AddressPool(cidr)
            for sandbox in (each for pod in self._pods.values() for each in pod.sandboxes.values()):
                self._addresses.adopt(sandbox.ips[0], sandbox.id)

    def network_ready(self) -> bool:
        return self._addresses is not None

    async def list_pods(self) -> dict[str, RuntimePod]:
        self._check()
        return {uid: pod.seen() for uid, pod in self._pods.items()}

    async def get_pod(self, uid: str) -> RuntimePod | None:
        self._check()
        pod = self._pods.get(uid)
        return pod.seen() if pod else None

    def events(self) -> AsyncIterator[RuntimeEvent]:
        self._check()
        return self._feed.listen()

    async def create_sandbox(self, config: SandboxConfig) -> RuntimeSandbox:
        self._check()
        await self._pause(self._options.sandbox_latency)
        pod = self._pods.setdefault(config.uid, _Pod(config))
        pod.config = config
        sandbox_id = self._new_id()
        ip = self._options.node_ip if config.host_network else self._take_address(sandbox_id)
        sandbox = RuntimeSandbox(sandbox_id, config.attempt, True, self._now(), (ip,))
        pod.sandboxes[sandbox.id] = sandbox
        self._pod_uids[sandbox.id] = config.uid
        self._feed.publish(config.uid)
        return sandbox

    async def stop_sandbox(self, sandbox_id: str) -> None:
        self._check()
        self.kill_sandbox(sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        self._check()
        pod = self._pod_of_sandbox(sandbox_id)
        if pod is None:
            return
        self._end_sandbox(pod, sandbox_id)
        del pod.sandboxes[sandbox_id], self._pod_uids[sandbox_id]
        self._forget_if_empty(pod)

    async def create_container(self, pod_uid: str, sandbox_id: str, config: ContainerConfig) -> str:
        self._check()
        pod = self._pods.get(pod_uid)
        if pod is None or sandbox_id not in pod.sandboxes:
            raise CreateContainerError(f"No such container: {sandbox_id}")
        behaviour = behaviour_of(config.name, {**pod.config.annotations, **config.annotations})
        if behaviour.create_error:
            raise CreateContainerError(behaviour.create_error)
        seen = self._new_container(config)
        container = HollowContainer(
            seen,
            pod_uid=pod_uid,
            behaviour=behaviour,
            steps=parse_command([*(config.command or ()), *(config.args or ())]),
            now=self._now,
            told=self._feed.publish,
        )
        pod.containers[seen.id] = self._containers[seen.id] = container
        return seen.id

    async def start_container(self, container_id: str) -> None:
        self._check()
        container = self._find(container_id)
        await self._pause(container.behaviour.start_latency or self._options.start_latency)
        if container.behaviour.start_error:
            container.fail(container.behaviour.start_error, _START_ERROR_CODE)
            raise RunContainerError(container.behaviour.start_error)
        container.start(self._random)

    async def stop_container(self, container_id: str, grace: float) -> None:
        self._check()
        container = self._containers.get(container_id)
        if container is not None and container.is_running:
            container.stop(grace)
            await container.ended()

    async def remove_container(self, container_id: str) -> None:
        self._check()
        container = self._containers.pop(container_id, None)
        if container is None:
            return
        container.forget()
        pod = self._pods[container.pod_uid]
        del pod.containers[container_id]
        self._forget_if_empty(pod)

    async def exec_sync(self, container_id: str, command: Sequence[str], limit: float) -> ExecResult:
        async with asyncio.timeout(limit):
            stream = await self.exec(container_id, command, stdin=False, stdout=True, stderr=True, tty=False)
            pieces = []
            while (piece := await stream.read()) is not None:
                pieces.append(piece[1])
            return ExecResult(await stream.wait(), b"".join(pieces))

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> HollowExec:
        self._check()
        container = self._find_running(container_id)
        steps = parse_command(command) or (Exit(0 if container.answers() else 1),)
        stream = HollowExec(steps, _streams(stdout, stderr))
        if not stdin:
            await stream.close_stdin()
        return stream

    async def attach(
        self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> HollowAttach:
        self._check()
        return HollowAttach(self._find_running(container_id), _streams(stdout, stderr))

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        self._check()
        container = self._find(container_id)
        cut = limiter(options.limit_bytes)
        position = len(container.log)
        for line in select(container.log, options):
            if data := cut(render(line, options.timestamps)):
                yield data
        while options.follow:
            while position < len(container.log):
                line, position = container.log[position], position + 1
                if is_wanted(line, options) and (data := cut(render(line, options.timestamps))):
                    yield data
            if container.has_ended or container_id not in self._containers:
                return
            await container.changed()

    async def pod_connect(self, sandbox_id: str, port: int) -> tuple[str, int]:
        self._check()
        pod = self._pod_of_sandbox(sandbox_id)
        if pod is None or not pod.sandboxes[sandbox_id].ready:
            raise ContainerRuntimeError(f"sandbox {sandbox_id} is not running")
        return pod.sandboxes[sandbox_id].ips[0], port

    async def pull_image(self, image: str, credentials: Sequence[PullCredentials]) -> ImageRef:
        self._check()
        return await self.images.pull(image, credentials)

    async def image(self, image: str) -> ImageRef | None:
        self._check()
        return self.images.find(image)

    async def list_images(self) -> list[ImageRef]:
        self._check()
        return self.images.list()

    async def remove_image(self, image_id: str) -> None:
        self._check()
        self.images.remove(image_id)

    async def usage(self) -> dict[str, ContainerUsage]:
        self._check()
        running = [each for each in self._containers.values() if each.is_running]
        return {each.seen.id: self._usage_of(each) for each in running}

    async def close(self) -> None:
        for container in self._containers.values():
            container.forget()

    def _now(self) -> float:
        return self._clock().timestamp()

    def _check(self) -> None:
        if self._is_down:
            raise RuntimeUnavailable("Cannot connect to the hollow engine. Is it running?")

    def _new_id(self) -> str:
        return f"hollow://{self._random.getrandbits(256):064x}"

    def _new_container(self, config: ContainerConfig) -> RuntimeContainer:
        image = self.images.find(config.image)
        return RuntimeContainer(
            id=self._new_id(),
            name=config.name,
            attempt=config.attempt,
            image=image.tags[0] if image and image.tags else config.image,
            image_id=image.id if image else config.image,
            state=ContainerState.CREATED,
            created_at=self._now(),
            labels=dict(config.labels),
            annotations=dict(config.annotations),
        )

    def _find(self, container_id: str) -> HollowContainer:
        container = self._containers.get(container_id)
        if container is None:
            raise ContainerRuntimeError(f"No such container: {container_id}")
        return container

    def _find_running(self, container_id: str) -> HollowContainer:
        container = self._find(container_id)
        if not container.is_running:
            raise ContainerRuntimeError(f"Container {container_id} is not running")
        return container

    async def _pause(self, latency: str) -> None:
        if seconds := draw(latency, self._random):
            await asyncio.sleep(seconds)

    def _take_address(self, sandbox_id: str) -> str:
        if self._addresses is None:
            raise SandboxError("the node has no podCIDR yet")
        try:
            return self._addresses.take(sandbox_id)
        except AddressesExhausted as error:
            raise SandboxError(str(error)) from error

    def _release(self, sandbox: RuntimeSandbox) -> None:
        if self._addresses is not None:
            self._addresses.release(sandbox.ips[0], sandbox.id)

    def _pod_of_sandbox(self, sandbox_id: str) -> _Pod | None:
        uid = self._pod_uids.get(sandbox_id)
        return self._pods.get(uid) if uid is not None else None

    def _end_sandbox(self, pod: _Pod, sandbox_id: str) -> None:
        sandbox = pod.sandboxes[sandbox_id]
        for container in pod.containers.values():
            container.end(137, signal=SIGKILL)
        if sandbox.ready:
            self._release(sandbox)
            pod.sandboxes[sandbox_id] = replace(sandbox, ready=False)
            self._feed.publish(pod.config.uid)

    def _forget_if_empty(self, pod: _Pod) -> None:
        if not pod.sandboxes and not pod.containers:
            self._pods.pop(pod.config.uid, None)

    def _usage_of(self, container: HollowContainer) -> ContainerUsage:
        age = max(self._now() - container.seen.started_at, 0.0)
        memory = container.behaviour.memory
        return ContainerUsage(int(age * container.behaviour.cpu * 1e9), memory, memory, memory)


def _streams(stdout: bool, stderr: bool) -> set[int]:
    return ({1} if stdout else set()) | ({2} if stderr else set())
