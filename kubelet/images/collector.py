"""Image garbage collection: every five minutes, and when eviction asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from apimachinery.durations import format_duration
from apimachinery.errors import aggregate
from client.events import WARNING
from kubelet.events import Recorder
from kubelet.images.collection import ImagePolicy, Records, evictable, next_records, to_free, too_old
from kubelet.metrics import IMAGES_COLLECTED
from kubelet.references import node_reference
from kubelet.runtime.interface import ContainerRuntimeError, ImageInUseError, ImageRef, Runtime
from kubelet.stats.disk import filesystem_of

log = logging.getLogger(__name__)

PERIOD = 300.0


class CollectionError(Exception):
    """Not as much is free as should be."""


class ImageCollector:
    """`kept` are names of images that stay though no container shows them: the sandbox's."""

    def __init__(
        self,
        runtime: Runtime,
        recorder: Recorder,
        policy: ImagePolicy,
        *,
        node: str,
        kept: Iterable[str],
        clock: Callable[[], float],
    ) -> None:
        self._runtime = runtime
        self._recorder = recorder
        self._policy = policy
        self._node = node
        self._kept = frozenset(kept)
        self._clock = clock
        self._records: Records = {}

    async def run(self) -> None:
        """Never ends. What fails once may be an engine that is not up yet: Events tell of the next time."""
        has_failed = False
        while True:
            try:
                await self.collect()
            except (ContainerRuntimeError, CollectionError) as error:
                log.warning("Image garbage collection failed: error=%s", error)
                if has_failed and not self._policy.is_off:
                    self._complain("ImageGCFailed", str(error))
                has_failed = True
            else:
                has_failed = False
            await asyncio.sleep(PERIOD)

    async def collect(self) -> None:
        """Removes what is too old, then as much as the file system needs. Raises CollectionError."""
        images = await self._look()
        if self._policy.is_off:
            return
        now = self._clock()
        await self._remove_old(images, now)
        folder = await self._runtime.image_folder()
        disk = await asyncio.to_thread(filesystem_of, Path(folder))
        if disk.capacity == 0:
            message = "invalid capacity 0 on image filesystem"
            self._complain("InvalidDiskCapacity", message)
            raise CollectionError(message)
        if wanted := to_free(disk, self._policy):
            log.info("Image file system is over the threshold: node=%s bytes_to_free=%s", self._node, wanted)
            doomed = evictable(images, self._records, self._policy, now)
            freed, errors = await self._remove(doomed, wanted)
            if errors:
                raise CollectionError(
                    f"wanted to free {wanted} bytes, but freed {freed} bytes space with errors in image "
                    f"deletion: {aggregate(errors)}"
                )
            if freed < wanted:
                message = (
                    "Failed to garbage collect required amount of images. "
                    f"Attempted to free {wanted} bytes, but only found {freed} bytes eligible to free."
                )
                self._complain("FreeDiskSpaceFailed", message)
                raise CollectionError(message)

    async def delete_unused(self) -> None:
        """All of them: eviction would rather take images than pods. What stays is logged."""
        images = await self._look()
        await self._remove(evictable(images, self._records, self._policy, self._clock()))

    async def _look(self) -> list[ImageRef]:
        images = await self._runtime.list_images()
        pods = (await self._runtime.list_pods()).values()
        used = {name for pod in pods for each in pod.containers for name in (each.image, each.image_id)}
        self._records = next_records(self._records, images, used | self._kept, self._clock())
        return images

    async def _remove_old(self, images: list[ImageRef], now: float) -> None:
        _, errors = await self._remove(too_old(images, self._records, self._policy, now), reason="age")
        if errors:
            age = format_duration(self._policy.maximum_age)
            raise CollectionError(
                f"wanted to free images older than {age}, encountered errors in image deletion: "
                f"{aggregate(errors)}"
            )

    async def _remove(
        self, doomed: list[ImageRef], wanted: float = float("inf"), reason: str = "space"
    ) -> tuple[int, list[str]]:
        """The bytes that were freed, and what went wrong; that others use an image is no fault."""
        freed, errors = 0, []
        for image in doomed:
            if freed >= wanted:
                break
            try:
                await self._runtime.remove_image(image.id)
            except ImageInUseError as error:
                log.info("Image stays: image=%s error=%s", image.id, error)
                continue
            except ContainerRuntimeError as error:
                log.warning("Failed to remove image: image=%s error=%s", image.id, error)
                errors.append(str(error))
                continue
            log.info("Removed image: image=%s size=%s names=%s", image.id, image.size, image.tags)
            IMAGES_COLLECTED.labels(reason).inc()
            freed += image.size
        return freed, errors

    def _complain(self, reason: str, message: str) -> None:
        self._recorder.event(node_reference(self._node), WARNING, reason, message)
