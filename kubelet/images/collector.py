"""Image garbage collection: every five minutes, and when eviction asks for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from pathlib import Path

from kubelet.events import WARNING, Recorder
from kubelet.images.collection import ImagePolicy, Records, evictable, next_records, to_free, too_old
from kubelet.metrics import IMAGES_COLLECTED
from kubelet.references import node_reference
from kubelet.runtime.interface import ContainerRuntimeError, ImageRef, Runtime
from kubelet.stats.disk import Filesystem, filesystem_of

log = logging.getLogger(__name__)

PERIOD = 300.0


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
        """Never ends."""
        while True:
            try:
                await self.collect()
            except ContainerRuntimeError as error:
                log.warning("Image garbage collection failed: error=%s", error)
            await asyncio.sleep(PERIOD)

    async def collect(self) -> None:
        """Removes what is too old, then as much as the file system needs."""
        images = await self._look()
        now = self._clock()
        await self._remove(too_old(images, self._records, self._policy, now), reason="age")
        folder = await self._runtime.image_folder()
        disk = await asyncio.to_thread(filesystem_of, Path(folder))
        if wanted := to_free(disk, self._policy):
            log.info("Image file system is over the threshold: node=%s bytes_to_free=%s", self._node, wanted)
            freed = await self._remove(evictable(images, self._records, self._policy, now), wanted)
            if freed < wanted:
                self._complain(disk, freed)

    async def delete_unused(self) -> None:
        """All of them: eviction would rather take images than pods."""
        images = await self._look()
        await self._remove(evictable(images, self._records, self._policy, self._clock()))

    async def _look(self) -> list[ImageRef]:
        images = await self._runtime.list_images()
        pods = (await self._runtime.list_pods()).values()
        used = {name for pod in pods for each in pod.containers for name in (each.image, each.image_id)}
        self._records = next_records(self._records, images, used | self._kept, self._clock())
        return images

    async def _remove(
        self, doomed: list[ImageRef], wanted: float = float("inf"), reason: str = "space"
    ) -> int:
        """The bytes that were freed. What the engine will not give is in use by others."""
        freed = 0
        for image in doomed:
            if freed >= wanted:
                break
            try:
                await self._runtime.remove_image(image.id)
            except ContainerRuntimeError as error:
                log.info("Image stays: image=%s error=%s", image.id, error)
                continue
            log.info("Removed image: image=%s size=%s names=%s", image.id, image.size, image.tags)
            IMAGES_COLLECTED.labels(reason).inc()
            freed += image.size
        return freed

    def _complain(self, disk: Filesystem, freed: int) -> None:
        share = 100 - disk.available * 100 / disk.capacity
        message = (
            f"Insufficient free disk space on the node's image filesystem ({share:.1f}% of "
            f"{disk.capacity / 1024**3:.1f} GiB used). Failed to free sufficient space by deleting unused "
            f"images (freed {freed} bytes). Investigate disk usage, as it could be used by active images, "
            "logs, volumes, or other data."
        )
        self._recorder.event(node_reference(self._node), WARNING, "FreeDiskSpaceFailed", message)
