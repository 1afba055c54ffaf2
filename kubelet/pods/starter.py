"""Starts one container.

Image, configuration, create, start, postStart. Each failure has upstream's reason and Event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from apimachinery.durations import format_duration
from apimachinery.objects import Object, uid_of
from client.events import NORMAL, WARNING
from kubelet.events import Recorder
from kubelet.images.manager import ImageManager
from kubelet.journal import Journal
from kubelet.metrics import STARTED_CONTAINERS, STARTED_CONTAINERS_ERRORS
from kubelet.pods.actions import container_hash
from kubelet.pods.backoff import Backoff
from kubelet.pods.container_status import StartFailure
from kubelet.pods.hooks import HookFailed, HookRunner
from kubelet.pods.image_volumes import ImageVolumes, mounted_images
from kubelet.pods.preparer import Preparer, Wish
from kubelet.pods.seen import has_ended, newest_container, newest_sandbox
from kubelet.pods.termination import Terminator
from kubelet.references import container_reference, list_of, pod_full_name, pod_reference
from kubelet.runtime.interface import (
    ContainerConfig,
    ContainerRuntimeError,
    ContainerState,
    CreateContainerConfigError,
    ImagePullError,
    ImageRef,
    Runtime,
    RuntimeContainer,
    RuntimePod,
    RuntimeUnavailable,
)
from kubelet.settings import NodeFacts
from kubelet.tasks import uninterrupted
from kubelet.volumes.mounted import MountedVolume

RETRY_SECONDS = 10.0
"""When a container that could not be started is tried again, unless what it refers to changes sooner."""

_KINDS = {
    "containers": "container",
    "initContainers": "init_container",
    "ephemeralContainers": "ephemeral_container",
}
"""As metrics call them."""

SOON = 1.0
"""There is a dead container now: the next try is its restart, and the back-off sees to the rest."""


class StartFailed(Exception):
    """The container does not run; `retry` says in how many seconds to try again."""

    def __init__(self, failure: StartFailure, retry: float = RETRY_SECONDS) -> None:
        super().__init__(failure.reason, failure.message)
        self.failure = failure
        self.retry = retry


class ContainerStarter:
    def __init__(
        self,
        runtime: Runtime,
        images: ImageManager,
        image_volumes: ImageVolumes,
        preparer: Preparer,
        terminator: Terminator,
        recorder: Recorder,
        journal: Journal,
        gate: asyncio.Semaphore,
        now: Callable[[], datetime],
        backoff: Backoff,
    ) -> None:
        self._runtime = runtime
        self._images = images
        self._image_volumes_of = image_volumes.of
        self._preparer = preparer
        self._terminator = terminator
        self._recorder = recorder
        self._journal = journal
        self._gate = gate
        self._now = now
        self._hooks = HookRunner(runtime, recorder)
        self.backoff = backoff

    async def start(
        self,
        pod: Object,
        container: Object,
        seen: RuntimePod,
        volumes: Mapping[str, MountedVolume],
        facts: NodeFacts,
    ) -> None:
        """Raises StartFailed. `pod` must show the addresses of its sandbox."""
        newest = newest_container(seen, container["name"])
        self._check_backoff(pod, container, newest)
        kind = _KINDS[list_of(pod, container["name"])]
        STARTED_CONTAINERS.labels(kind).inc()
        try:
            await self._start(pod, container, newest, seen, volumes, facts)
        except StartFailed as error:
            STARTED_CONTAINERS_ERRORS.labels(kind, error.failure.reason).inc()
            raise

    async def _start(
        self,
        pod: Object,
        container: Object,
        newest: RuntimeContainer | None,
        seen: RuntimePod,
        volumes: Mapping[str, MountedVolume],
        facts: NodeFacts,
    ) -> None:
        images = await self._image_volumes(pod, container)
        image = await self._image(pod, container)
        target = self._target(pod, container, seen)
        volumes = {**volumes, **images}
        wish = Wish(pod, container, _attempt(pod, container, newest), image, volumes, facts, target)
        config = await self._prepared(wish)
        if newest is not None and has_ended(newest):
            self.backoff.restarted(_key(pod, container), _ended_at(newest), self._now().timestamp())
        async with self._gate:
            await uninterrupted(self._create_and_start(pod, container, _sandbox_id(seen), config))
        await self._post_start(pod, container, uid_of(pod))

    def forget_pod(self, uid: str) -> None:
        self.backoff.forget_pod(uid)
        self._images.forget_pod(uid)

    def _check_backoff(self, pod: Object, container: Object, newest: RuntimeContainer | None) -> None:
        if newest is None or not has_ended(newest):
            return
        key = _key(pod, container)
        rest = self.backoff.remaining(key, _ended_at(newest), self._now().timestamp())
        if rest <= 0:
            return
        name, full_name = container["name"], pod_full_name(pod)
        self._event(
            pod, name, WARNING, "BackOff", f"Back-off restarting failed container {name} in pod {full_name}"
        )
        delay = format_duration(self.backoff.delay(key))
        message = f"back-off {delay} restarting failed container={name} pod={full_name}"
        raise StartFailed(StartFailure("CrashLoopBackOff", message), rest)

    async def _secrets(self, pod: Object) -> Sequence[Object]:
        secrets = await self._preparer.pull_secrets(pod)
        if secrets.missing:
            message = (
                f"Unable to retrieve some image pull secrets ({', '.join(secrets.missing)}); "
                "attempting to pull the image may not succeed."
            )
            self._recorder.event(pod_reference(pod), WARNING, "FailedToRetrieveImagePullSecret", message)
        return secrets.found

    async def _image(self, pod: Object, container: Object) -> ImageRef:
        with self._pulls():
            secrets = await self._secrets(pod)
            with self._journal.step(pod, "image", container["name"]):
                return await self._images.ensure(pod, container, secrets)

    async def _image_volumes(self, pod: Object, container: Object) -> Mapping[str, MountedVolume]:
        if not mounted_images(pod["spec"], container):
            return {}
        with self._pulls():
            secrets = await self._secrets(pod)
            with self._journal.step(pod, "image volumes", container["name"]):
                return await self._image_volumes_of(pod, container, secrets)

    @contextmanager
    def _pulls(self) -> Iterator[None]:
        try:
            yield
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            # Soon after a failed pull, so that the back-off it has begun is shown.
            retry = SOON if isinstance(error, ImagePullError) else RETRY_SECONDS
            raise StartFailed(StartFailure(error.reason, str(error)), retry) from error

    def _target(self, pod: Object, container: Object, seen: RuntimePod) -> str:
        """The container whose processes an ephemeral one is to see, by its id."""
        name = container.get("targetContainerName")
        if not name:
            return ""
        target = newest_container(seen, name)
        if target is None or target.state is not ContainerState.RUNNING:
            message = f"unable to find target container {name}"
            self._event(pod, container["name"], WARNING, "Failed", f"Error: {message}")
            raise StartFailed(StartFailure(CreateContainerConfigError.reason, message))
        return target.id

    async def _prepared(self, wish: Wish) -> ContainerConfig:
        try:
            with self._journal.step(wish.pod, "config", wish.container["name"]):
                return await self._preparer.prepare(wish)
        except CreateContainerConfigError as error:
            name = wish.container["name"]
            self._event(wish.pod, name, WARNING, "Failed", f"Error: {error}")
            raise StartFailed(StartFailure(error.reason, str(error))) from error

    async def _create_and_start(
        self, pod: Object, container: Object, sandbox: str, config: ContainerConfig
    ) -> None:
        name = container["name"]
        container_id = await self._create(pod, name, sandbox, config)
        try:
            with self._journal.step(pod, "start", name):
                await self._runtime.start_container(container_id)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            # Its id would make each try an Event of its own.
            told = str(error).replace(container_id.rpartition("/")[2], name)
            self._event(pod, name, WARNING, "Failed", f"Error: {told}")
            raise StartFailed(StartFailure(error.reason, str(error)), SOON) from error
        self._event(pod, name, NORMAL, "Started", f"Started container {name}")

    async def _create(self, pod: Object, name: str, sandbox: str, config: ContainerConfig) -> str:
        try:
            with self._journal.step(pod, "create", name):
                container_id = await self._runtime.create_container(uid_of(pod), sandbox, config)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            self._event(pod, name, WARNING, "Failed", f"Error: {error}")
            raise StartFailed(StartFailure(error.reason, str(error))) from error
        self._event(pod, name, NORMAL, "Created", f"Created container: {name}")
        return container_id

    async def _post_start(self, pod: Object, container: Object, uid: str) -> None:
        hook = (container.get("lifecycle") or {}).get("postStart")
        if not hook:
            return
        name = container["name"]
        running = newest_container(await self._runtime.get_pod(uid), name)
        if running is None or running.state is not ContainerState.RUNNING:
            return
        try:
            with self._journal.step(pod, "postStart", name):
                await self._hooks.run(hook, pod, container, running.id)
        except HookFailed as error:
            self._event(pod, name, WARNING, "FailedPostStartHook", "PostStartHook failed")
            grace = pod["spec"].get("terminationGracePeriodSeconds")
            await self._terminator.stop_container(
                pod, running, 30.0 if grace is None else float(grace), "FailedPostStartHook"
            )
            raise StartFailed(StartFailure("PostStartHookError", str(error)), SOON) from error

    def _event(self, pod: Object, container: str, type: str, reason: str, message: str) -> None:
        self._recorder.event(container_reference(pod, container), type, reason, message)


def _sandbox_id(seen: RuntimePod) -> str:
    sandbox = newest_sandbox(seen)
    assert sandbox is not None  # the plan makes one first
    return sandbox.id


def _key(pod: Object, container: Object) -> Hashable:
    """A changed container begins anew."""
    return uid_of(pod), container["name"], container_hash(container)


def _ended_at(container: RuntimeContainer) -> float:
    return container.finished_at or container.created_at


def _attempt(pod: Object, container: Object, newest: RuntimeContainer | None) -> int:
    """One more than the last; if the engine has lost that, the API may still know of it."""
    if newest is not None:
        return newest.attempt + 1
    status = pod.get("status") or {}
    known = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    old: Object = next((each for each in known if each["name"] == container["name"]), {})
    if (old.get("state") or {}).keys() & {"running", "terminated"}:
        return int(old.get("restartCount", 0)) + 1
    return int(old.get("restartCount", 0))
