"""The Runtime on Docker. This package is the only one that knows Docker; this module is its front."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from component_base.byte_stream import DuplexStream
from kubelet.cgroups.drivers import open_own_files
from kubelet.cgroups.usage import group_of, read_interfaces, read_usage
from kubelet.network.listening import Listener, listeners
from kubelet.network.pod_network import NetworkError, PodNetwork
from kubelet.runtime.docker import execs, pulls
from kubelet.runtime.docker.connection import Connector, Request, path_of
from kubelet.runtime.docker.creation import Creator, with_seccomp_profile
from kubelet.runtime.docker.engine import DEFAULT_ENDPOINT, REQUEST_SECONDS, Engine
from kubelet.runtime.docker.errors import ConflictInEngine, NotFoundInEngine
from kubelet.runtime.docker.labels import NODE, POD_UID, container_labels, docker_name
from kubelet.runtime.docker.log_links import LogLinks
from kubelet.runtime.docker.logs import open_logs
from kubelet.runtime.docker.port_forward import connect_inside
from kubelet.runtime.docker.requests import LogLimits, container_body, update_body
from kubelet.runtime.docker.sandboxes import Sandboxes
from kubelet.runtime.docker.saved_images import copy_files
from kubelet.runtime.docker.seen import image_of, with_scheme, without_scheme
from kubelet.runtime.docker.sightings import Sightings, find_image, image_path
from kubelet.runtime.docker.streams import DockerStream
from kubelet.runtime.interface import (
    ContainerConfig,
    ContainerRuntimeError,
    CreateContainerError,
    ExecResult,
    ImageInUseError,
    ImagePullError,
    ImageRef,
    LogOptions,
    PullCredentials,
    Resources,
    RunContainerError,
    RuntimeEvent,
    RuntimePod,
    RuntimeSandbox,
    RuntimeUnavailable,
    RuntimeVersion,
    SandboxConfig,
)
from kubelet.runtime.usage import ContainerDisk, ContainerUsage, InterfaceUsage

DEFAULT_PAUSE_IMAGE = "registry.k8s.io/pause:3.10"
_EVENTS = ["start", "die", "oom", "destroy", "update"]


class DockerRuntime:
    """Of one node; several may share an engine, each sees only its own pods."""

    def __init__(
        self,
        network: PodNetwork,
        *,
        endpoint: str = DEFAULT_ENDPOINT,
        pause_image: str = DEFAULT_PAUSE_IMAGE,
        logs: LogLimits | None = None,
        links: LogLinks | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        self._network = network
        self._logs = logs or LogLimits()
        self._links = links
        self._info: Mapping[str, Any] = {}
        self._engine = Engine(endpoint, request_seconds)
        self._connector = Connector(endpoint)
        self._creator = Creator(self._engine, self._connector)
        self._sightings = Sightings(self._engine, network.node)
        self._sandboxes = Sandboxes(self._engine, self._connector, network, self._creator, pause_image)

    async def version(self) -> RuntimeVersion:
        told = await self._engine.look("/version")
        return RuntimeVersion("docker", told["Version"], told["ApiVersion"])

    async def cgroup_driver(self) -> str:
        return str((await self._told()).get("CgroupDriver") or "cgroupfs")

    async def aclose(self) -> None:
        self._sightings.close()
        await self._network.aclose()

    # Pods, as they are and as they change.

    async def list_pods(self) -> dict[str, RuntimePod]:
        return await self._sightings.pods()

    async def get_pod(self, uid: str) -> RuntimePod | None:
        return await self._sightings.pod(uid)

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        filters = {"type": ["container"], "event": _EVENTS, "label": [f"{NODE}={self._network.node}"]}
        async with await self._connector.open(Request("GET", path_of("/events", filters=filters))) as stream:
            await self._sandboxes.clear_up()
            await self._restore_network()
            self._engine.forget_starts()
            yield RuntimeEvent("")
            async for line in stream.lines():
                event = orjson.loads(line)
                actor = event["Actor"]
                if event["Action"] == "start" and self._engine.has_started(actor["ID"]):
                    self._sightings.has_started(actor["ID"])
                    continue
                self._sightings.has_changed(actor["ID"])
                yield RuntimeEvent(actor["Attributes"].get(POD_UID, ""))
        raise RuntimeUnavailable("the event stream of Docker ended")

    # The network.

    async def update_pod_cidr(self, cidr: str) -> None:
        await self._sandboxes.set_up_network(cidr)

    def network_ready(self) -> bool:
        return self._network.is_ready

    async def port_forward(self, sandbox_id: str, port: int) -> DuplexStream:
        state = (await self._engine.inspect(sandbox_id))["State"]
        if not state["Running"]:
            raise ContainerRuntimeError(f"sandbox container {sandbox_id} is not running")
        return await connect_inside(sandbox_id, state["Pid"], port)

    async def listeners(self, pod_uid: str) -> list[Listener]:
        pid = self._sightings.pid_of(pod_uid)
        return await asyncio.to_thread(listeners, pid) if pid else []

    # Sandboxes and containers.

    async def create_sandbox(self, config: SandboxConfig) -> RuntimeSandbox:
        inspected = await self._sandboxes.create(config)
        return self._sightings.see_sandbox(inspected)

    async def stop_sandbox(self, sandbox_id: str) -> None:
        await self._sandboxes.stop(sandbox_id)

    async def remove_sandbox(self, sandbox_id: str) -> None:
        await self._sandboxes.remove(sandbox_id)

    async def create_container(self, pod_uid: str, sandbox_id: str, config: ContainerConfig) -> str:
        try:
            sandbox = await self._sandboxes.inspected(sandbox_id)
            config = await asyncio.to_thread(with_seccomp_profile, config)
            labels = container_labels(self._network.node, sandbox["Config"]["Labels"], sandbox_id, config)
            body = container_body(config, sandbox_id, labels, self._creator.privileges, sandbox, self._logs)
            docker_id = await self._creator.create(docker_name(labels), body)
            await self._link(labels, docker_id)
            if config.resources.hugepages:
                await self._limit_hugepages(sandbox, docker_id, config.resources.hugepages)
            return with_scheme(docker_id)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            raise CreateContainerError(str(error)) from error

    async def _limit_hugepages(
        self, sandbox: Mapping[str, Any], docker_id: str, amounts: Mapping[int, int]
    ) -> None:
        """Docker has no word for them: its container finds the limit in the cgroup that it will live in.

        Where that is systemd's to make, only the pod's own limit holds.
        """
        parent = sandbox["HostConfig"].get("CgroupParent") or ""
        if parent and await self.cgroup_driver() == "cgroupfs":
            path = f"{parent.strip('/')}/{docker_id}"
            await asyncio.to_thread(lambda: open_own_files().limit_hugepages(path, amounts))

    async def _link(self, labels: Mapping[str, str], docker_id: str) -> None:
        if self._links is not None:
            file = Path(await self.image_folder(), "containers", docker_id, f"{docker_id}-json.log")
            await asyncio.to_thread(self._links.add, labels, docker_id, file)

    async def start_container(self, container_id: str) -> None:
        docker_id = without_scheme(container_id)
        try:
            await self._engine.start(docker_id)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            raise RunContainerError(f'failed to start container "{docker_id}": {error}') from error

    async def stop_container(self, container_id: str, grace: float) -> None:
        container = f"/containers/{without_scheme(container_id)}"
        gently = path_of(f"{container}/stop", t=math.ceil(grace))
        # Docker's own stop sends the stop signal even where there is no time for it.
        at_once = path_of(f"{container}/kill", signal="KILL")
        with suppress(NotFoundInEngine, ConflictInEngine):
            await self._connector.ask("POST", gently if grace > 0 else at_once)

    async def update_container(self, container_id: str, resources: Resources) -> None:
        docker_id = without_scheme(container_id)
        await self._connector.ask("POST", f"/containers/{docker_id}/update", update_body(resources))
        self._sightings.has_changed(docker_id)

    async def remove_container(self, container_id: str) -> None:
        """Its links go first: of a container that is gone nobody would ask for them again."""
        docker_id = without_scheme(container_id)
        if self._links is not None:
            await asyncio.to_thread(self._links.remove, docker_id)
        await self._creator.remove(docker_id)

    # Inside of containers.

    async def exec_sync(self, container_id: str, command: Sequence[str], limit: float) -> ExecResult:
        return await execs.run_to_end(self._connector, without_scheme(container_id), command, limit)

    async def exec(
        self, container_id: str, command: Sequence[str], *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> DockerStream:
        docker_id = without_scheme(container_id)
        _, stream = await execs.run(
            self._connector, docker_id, command, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty
        )
        return stream

    async def attach(
        self, container_id: str, *, stdin: bool, stdout: bool, stderr: bool, tty: bool
    ) -> DockerStream:
        docker_id = without_scheme(container_id)
        return await execs.attach(
            self._connector, self._engine, docker_id, stdin=stdin, stdout=stdout, stderr=stderr
        )

    async def logs(self, container_id: str, options: LogOptions) -> AsyncIterator[bytes]:
        docker_id = without_scheme(container_id)
        inspected = await self._engine.inspect(docker_id)
        return await open_logs(self._connector, docker_id, options, tty=inspected["Config"]["Tty"])

    async def usage(self) -> dict[str, ContainerUsage]:
        running = self._sightings.running()
        found = await asyncio.to_thread(lambda: {name: read_usage(pid) for name, pid in running.items()})
        return {name: usage for name, usage in found.items() if usage is not None}

    async def cgroups(self) -> dict[str, str]:
        running = self._sightings.running()
        found = await asyncio.to_thread(lambda: {name: group_of(pid) for name, pid in running.items()})
        return {name: group for name, group in found.items() if group is not None}

    async def network_usage(self, pod_uids: Sequence[str]) -> dict[str, list[InterfaceUsage]]:
        pids = {uid: pid for uid in pod_uids if (pid := self._sightings.pid_of(uid))}
        return await asyncio.to_thread(read_interfaces, pids)

    async def disk_usage(self, container_ids: Sequence[str]) -> dict[str, ContainerDisk]:
        return await asyncio.to_thread(self._sightings.measure, container_ids)

    # Images.

    async def image_folder(self) -> str:
        return str((await self._told())["DockerRootDir"])

    async def _told(self) -> Mapping[str, Any]:
        """What the engine says of itself, and will say as long as we run."""
        if not self._info:
            self._info = await self._engine.look("/info")
        return self._info

    async def pull_image(self, image: str, credentials: Sequence[PullCredentials]) -> ImageRef:
        await pulls.pull(self._connector, image, credentials)
        pulled = await self.image(image)
        if pulled is None:
            raise ImagePullError(f"{image} was pulled and is gone again")
        self._sightings.forget_image(pulled.id)
        return pulled

    async def image(self, image: str) -> ImageRef | None:
        return await find_image(self._engine, image)

    async def list_images(self) -> list[ImageRef]:
        return [image_of(each) for each in await self._engine.look("/images/json")]

    async def copy_image(self, image_id: str, folder: Path) -> None:
        await copy_files(self._connector, image_id, folder)

    async def remove_image(self, image_id: str) -> None:
        """With all its names, of which none goes while any container of the engine uses the image."""
        self._sightings.forget_image(image_id)
        known = await self.image(image_id)
        names = known.tags if known and len(known.tags) > 1 else (image_id,)
        users = await self._engine.list_containers({"ancestor": [image_id]})
        if users:
            raise ImageInUseError(f"image {image_id} is used by container {users[0]['Id']}")
        try:
            for name in names:
                with suppress(NotFoundInEngine):
                    await self._engine.act("DELETE", image_path(name))
        except ConflictInEngine as error:
            raise ImageInUseError(str(error)) from error

    async def _restore_network(self) -> None:
        """A restarted Docker writes its packet rules anew."""
        try:
            await self._network.restore()
        except NetworkError as error:
            raise RuntimeUnavailable(f"the pod network cannot be restored: {error}") from error
