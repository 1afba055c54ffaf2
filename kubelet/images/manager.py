"""Sees to it that a container's image is on the node: pull policy, credentials, back-off and their events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext
from dataclasses import dataclass

from apimachinery.durations import format_duration
from apimachinery.objects import Object, uid_of
from client.events import NORMAL, WARNING
from component_base.token_bucket import TokenBucket
from kubelet.events import Recorder
from kubelet.images.credentials import credentials_for
from kubelet.images.reference import InvalidReferenceError, with_default_tag
from kubelet.metrics import PULL_SECONDS
from kubelet.references import container_reference, pod_reference
from kubelet.runtime.interface import (
    ContainerRuntimeError,
    ImageNeverPullError,
    ImagePullError,
    ImageRef,
    InvalidImageNameError,
    Runtime,
    RuntimeUnavailable,
)

INITIAL_BACKOFF, MAXIMUM_BACKOFF = 10.0, 300.0


_SIZES = (
    (0, "0-10MB"), (10 << 20, "10MB-100MB"), (100 << 20, "100MB-500MB"), (500 << 20, "500MB-1GB"),
    (1 << 30, "1GB-5GB"), (5 << 30, "5GB-10GB"), (10 << 30, "10GB-20GB"), (20 << 30, "20GB-30GB"),
    (30 << 30, "30GB-40GB"), (40 << 30, "40GB-60GB"), (60 << 30, "60GB-100GB"), (100 << 30, "GT100GB"),
)  # fmt: skip
"""Of more bytes than these."""


def size_class(size: int) -> str:
    """How metrics tell of an image of so many bytes."""
    return next((name for least, name in reversed(_SIZES) if size > least), "N/A")


class ImagePullBackOffError(ContainerRuntimeError):
    reason = "ImagePullBackOff"


class ImageInspectError(ContainerRuntimeError):
    reason = "ImageInspectError"


@dataclass(frozen=True, slots=True)
class _Failure:
    """The last pull of an image for a pod, which failed."""

    at: float
    delay: float
    message: str


@dataclass(frozen=True, slots=True)
class _Asking:
    """One container's wish: what events and back-off are about."""

    pod: Object
    container: Object
    """Or a volume, in the words of one: what counts are image and imagePullPolicy."""
    about: Object

    @property
    def image(self) -> str:
        return str(self.container["image"])

    @property
    def key(self) -> tuple[str, str]:
        return uid_of(self.pod), self.image


@dataclass(frozen=True, slots=True)
class PullLimits:
    """How many pulls may run at once, and how many may begin in a second (0: any number)."""

    serialize: bool = True
    parallel: int | None = None
    """At once where they are not serialized; None: any number."""
    qps: int = 0
    burst: int = 10

    def slots(self) -> AbstractAsyncContextManager[object]:
        at_once = 1 if self.serialize else self.parallel
        return asyncio.Semaphore(at_once) if at_once else nullcontext()


class ImageManager:
    def __init__(
        self,
        runtime: Runtime,
        recorder: Recorder,
        limits: PullLimits | None = None,
        pulling: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        """`pulling(uid)` is open while an image of a pod is pulled."""
        limits = limits or PullLimits()
        self._pulling = pulling
        self._runtime = runtime
        self._recorder = recorder
        self._slots = limits.slots()
        self._throttle = TokenBucket(limits.qps, limits.burst) if limits.qps else None
        self._failures: dict[tuple[str, str], _Failure] = {}

    async def ensure(self, pod: Object, container: Object, secrets: Sequence[Object]) -> ImageRef:
        """The container's image. The error's reason and words are what its waiting state shows."""
        asking = _Asking(pod, container, container_reference(pod, container["name"]))
        try:
            return await self._ensure(asking, secrets)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            self._record(asking, WARNING, "Failed", f"Error: {error.reason}")
            raise

    async def ensure_volume(self, pod: Object, source: Object, secrets: Sequence[Object]) -> ImageRef:
        """The image of a pod's volume; its events are the pod's. Raises ContainerRuntimeError."""
        wanted = {"image": source.get("reference") or "", "imagePullPolicy": source.get("pullPolicy")}
        return await self._ensure(_Asking(pod, wanted, pod_reference(pod)), secrets)

    def forget_pod(self, uid: str) -> None:
        for key in [each for each in self._failures if each[0] == uid]:
            del self._failures[key]

    async def _ensure(self, asking: _Asking, secrets: Sequence[Object]) -> ImageRef:
        image = self._with_default_tag(asking)
        policy = asking.container.get("imagePullPolicy") or default_policy(image)
        present = None if policy == "Always" else await self._inspect(asking, image)
        if present is not None:
            message = f'Container image "{asking.image}" already present on machine'
            self._record(asking, NORMAL, "Pulled", message)
            return present
        if policy == "Never":
            message = f'Container image "{asking.image}" is not present with pull policy of Never'
            self._record(asking, WARNING, "ErrImageNeverPull", message)
            raise ImageNeverPullError(message)
        self._check_backoff(asking)
        return await self._pull(asking, image, secrets)

    def _with_default_tag(self, asking: _Asking) -> str:
        try:
            return with_default_tag(asking.image)
        except InvalidReferenceError as error:
            message = (
                f'Failed to apply default image tag "{asking.image}": '
                f'couldn\'t parse image name "{asking.image}": {error}'
            )
            self._record(asking, WARNING, "InspectFailed", message)
            raise InvalidImageNameError(message) from error

    async def _inspect(self, asking: _Asking, image: str) -> ImageRef | None:
        try:
            return await self._runtime.image(image)
        except RuntimeUnavailable:
            raise
        except ContainerRuntimeError as error:
            message = f'Failed to inspect image "{asking.image}": {error}'
            self._record(asking, WARNING, "InspectFailed", message)
            raise ImageInspectError(message) from error

    def _check_backoff(self, asking: _Asking) -> None:
        failure = self._failures.get(asking.key)
        if failure is None or _now() - failure.at >= failure.delay:
            return
        message = f'Back-off pulling image "{asking.image}"'
        self._record(asking, NORMAL, "BackOff", message)
        raise ImagePullBackOffError(f"{message}: {failure.message}")

    async def _pull(self, asking: _Asking, image: str, secrets: Sequence[Object]) -> ImageRef:
        self._record(asking, NORMAL, "Pulling", f'Pulling image "{asking.image}"')
        asked = _now()
        try:
            with self._pulling(uid_of(asking.pod)):
                async with self._slots:
                    began = _now()
                    self._check_throttle()
                    pulled = await self._runtime.pull_image(image, credentials_for(image, secrets))
        except ImagePullError as error:
            self._failed(asking, error)
            raise
        PULL_SECONDS.labels(size_class(pulled.size)).observe(_now() - asked)
        took, waited = (_to_milliseconds(_now() - since) for since in (began, asked))
        message = (
            f'Successfully pulled image "{asking.image}" in {took} ({waited} including waiting). '
            f"Image size: {pulled.size} bytes."
        )
        self._record(asking, NORMAL, "Pulled", message)
        return pulled

    def _check_throttle(self) -> None:
        """Who comes too early fails like any pull, back-off included; nobody waits for a turn."""
        if self._throttle is not None and not self._throttle.try_take():
            raise ImagePullError("pull QPS exceeded")

    def _failed(self, asking: _Asking, error: ImagePullError) -> None:
        self._record(asking, WARNING, "Failed", f'Failed to pull image "{asking.image}": {error}')
        now, before = _now(), self._failures.get(asking.key)
        is_fresh = before is not None and now - before.at <= 2 * MAXIMUM_BACKOFF
        delay = min(before.delay * 2, MAXIMUM_BACKOFF) if before and is_fresh else INITIAL_BACKOFF
        self._failures[asking.key] = _Failure(now, delay, f"{error.reason}: {error}")

    def _record(self, asking: _Asking, type: str, reason: str, message: str) -> None:
        self._recorder.event(asking.about, type, reason, message)


def default_policy(image: str) -> str:
    """What the apiserver would have filled in."""
    return "Always" if image.endswith(":latest") else "IfNotPresent"


def _now() -> float:
    return asyncio.get_running_loop().time()


def _to_milliseconds(seconds: float) -> str:
    return format_duration(int(seconds * 1000) / 1000)
