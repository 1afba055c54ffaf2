"""The runtime's twin in memory: what a whole node's engine holds, for tests and for `--hollow-nodes`.

Containers play what their pod's annotations or their command say. No task, thread or socket of its own:
a running container costs a record and perhaps a timer (or a task, if a script plays it), so that thousands of
nodes fit into one process, and the loop is the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

from component_base.byte_stream import DuplexStream
from kubelet.network.listening import Listener
from kubelet.runtime.events import EventFeed
from kubelet.runtime.hollow.behaviour import behaviour_of, draw
from kubelet.runtime.hollow.commands import Exit, parse_command
from kubelet.runtime.hollow.container import SIGKILL, HollowContainer
from kubelet.runtime.hollow.images import HollowImages
from kubelet.runtime.hollow.logs import is_wanted, limiter, render, select
from kubelet.runtime.hollow.pods import HollowPods
from kubelet.runtime.hollow.script import Play, Script
from kubelet.runtime.hollow.streams import HollowAttach, HollowExec
from kubelet.runtime.interface import (
    DEFAULT_STOP_SIGNAL,
    ContainerConfig,
    ContainerRuntimeError,
    ContainerState,
    CreateContainerError,
    ExecResult,
    ImageRef,
    LogOptions,
    PullCredentials,
    Resources,
    RunContainerError,
    RuntimeContainer,
    RuntimeEvent,
    RuntimePod,
    RuntimeSandbox,
    RuntimeUnavailable,
    RuntimeVersion,
    SandboxConfig,
)
from kubelet.runtime.usage import ContainerDisk, ContainerUsage, InterfaceUsage

_START_ERROR_CODE = 128


@dataclass(frozen=True, slots=True)
class HollowOptions:
    """Latencies as durations or ranges (`100ms`, `1s-5s`)."""

    sandbox_latency: str = "0"
    start_latency: str = "0"
    node_ip: str = "127.0.0.1"


class HollowRuntime:
    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        random: Random | None = None,
        images: HollowImages | None = None,
        options: HollowOptions | None = None,
        pod_cidr: str = "",
        script: Script | None = None,
    ) -> None:
        self.images = images or HollowImages()
        self._clock = now
        self._random = random or Random(0)
        self._options = options or HollowOptions()
        self._script = script
        self._pods = HollowPods(pod_cidr)
        self._feed = EventFeed()
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
        self._pods.known_container(container_id).end(code, signal=SIGKILL if code == 137 else 0, oom=oom)

    def kill_sandbox(self, sandbox_id: str) -> None:
        if uid := self._pods.end_sandbox(sandbox_id):
            self._feed.publish(uid)

    def answers(self, container_id: str) -> bool:
        """What an http, tcp or grpc probe of this container finds."""
        container = self._pods.container(container_id)
        return container is not None and container.answers()

    # The Runtime.

    async def cgroup_driver(self) -> str:
        return "cgroupfs"

    async def version(self) -> RuntimeVersion:
        self._check()
        return RuntimeVersion("hollow", "1.0.0", "1.0.0")

    async def update_pod_cidr(self, cidr: str) -> None:
        self._pods.set_cidr(cidr)

    def network_ready(self) -> bool:
        return self._pods.has_addresses

    async def list_pods(self) -> dict[str, RuntimePod]:
        self._check()
        return {pod.config.uid: pod.seen() for pod in self._pods}

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
        sandbox_id = self._new_id()
        ip = self._options.node_ip if config.host_network else self._pods.take_address(sandbox_id)
        sandbox = RuntimeSandbox(sandbox_id, config.attempt, True, self._now(), (ip,))
        self._pods.add_sandbox(config, sandbox)
        self._feed.publish(config.uid)
        return sandbox

    async def stop_sandbox(self, sandbox_id: str) -> None:
        self._check()
        self.kill_sandbox(sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        self._check()
        self.kill_sandbox(sandbox_id)
        self._pods.remove_sandbox(sandbox_id)

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
            sandbox_id=sandbox_id,
            behaviour=behaviour,
            steps=parse_command([*(config.command or ()), *(config.args or ())]),
            script=None if self._script is None else partial(_perform, self._script, pod.config, config),
            now=self._now,
            told=self._feed.publish,
        )
        self._pods.add_container(pod, container)
        return seen.id

    async def start_container(self, container_id: str) -> None:
        self._check()
        container = self._pods.known_container(container_id)
        await self._pause(container.behaviour.start_latency or self._options.start_latency)
        if container.behaviour.start_error:
            error, name = container.behaviour.start_error, container_id.rpartition("/")[2]
            container.fail(error, _START_ERROR_CODE)
            raise RunContainerError(f'failed to start container "{name}": {error}')
        container.start(self._random)

    async def stop_container(self, container_id: str, grace: float) -> None:
        self._check()
        container = self._pods.container(container_id)
        if container is not None and container.is_running:
            container.stop(grace)
            await container.ended()

    async def update_container(self, container_id: str, resources: Resources) -> None:
        self._find_running(container_id).resize(resources)

    async def remove_container(self, container_id: str) -> None:
        self._check()
        self._pods.remove_container(container_id)

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
        return self._read_logs(self._pods.known_container(container_id), options)

    async def _read_logs(self, container: HollowContainer, options: LogOptions) -> AsyncIterator[bytes]:
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
            if container.has_ended or self._pods.container(container.seen.id) is None:
                return
            await container.changed()

    async def port_forward(self, sandbox_id: str, port: int) -> DuplexStream:
        """Nothing listens in a hollow pod."""
        self._check()
        pod = self._pods.of_sandbox(sandbox_id)
        if pod is None or not pod.sandboxes[sandbox_id].ready:
            raise ContainerRuntimeError(f"sandbox container {sandbox_id} is not running")
        where = f'localhost:{port} inside namespace "{sandbox_id}"'
        raise ContainerRuntimeError(f"failed to connect to {where}: connection refused")

    async def listeners(self, pod_uid: str) -> list[Listener]:
        """Hollow containers have no sockets."""
        self._check()
        return []

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

    async def copy_image(self, image_id: str, folder: Path) -> None:
        """A hollow image has no files."""
        self._check()

    async def usage(self) -> dict[str, ContainerUsage]:
        self._check()
        running = [each for each in self._pods.containers if each.is_running]
        return {each.seen.id: self._usage_of(each) for each in running}

    async def cgroups(self) -> dict[str, str]:
        self._check()
        return {}

    async def network_usage(self, pod_uids: Sequence[str]) -> dict[str, list[InterfaceUsage]]:
        self._check()
        return {}

    async def disk_usage(self, container_ids: Sequence[str]) -> dict[str, ContainerDisk]:
        self._check()
        return {
            each.seen.id: ContainerDisk() for each in self._pods.containers if each.seen.id in container_ids
        }

    async def image_folder(self) -> str:
        return ""

    async def aclose(self) -> None:
        for container in self._pods.containers:
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
            stop_signal=config.stop_signal or DEFAULT_STOP_SIGNAL,
            resources=config.resources,
        )

    def _find_running(self, container_id: str) -> HollowContainer:
        container = self._pods.known_container(container_id)
        if not container.is_running:
            raise ContainerRuntimeError(f"Container {container_id} is not running")
        return container

    async def _pause(self, latency: str) -> None:
        if seconds := draw(latency, self._random):
            await asyncio.sleep(seconds)

    def _usage_of(self, container: HollowContainer) -> ContainerUsage:
        age = max(self._now() - container.seen.started_at, 0.0)
        memory = container.behaviour.memory
        return ContainerUsage(int(age * container.behaviour.cpu * 1e9), memory, memory, memory)


def _perform(
    script: Script, pod: SandboxConfig, config: ContainerConfig, container: HollowContainer
) -> Awaitable[int | None]:
    return script(
        Play(
            namespace=pod.namespace,
            pod=pod.name,
            container=config.name,
            attempt=config.attempt,
            command=(*(config.command or ()), *(config.args or ())),
            annotations=pod.annotations,
            log=container.say,
            use=container.use,
            answer=container.answer,
        )
    )


def _streams(stdout: bool, stderr: bool) -> set[int]:
    return ({1} if stdout else set()) | ({2} if stderr else set())
