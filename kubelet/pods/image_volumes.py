"""The image volumes that a container mounts: each image pulled as its own would be, with upstream's events.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/kubelet/kuberuntime/kuberuntime_image.go
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from apimachinery.objects import Object, uid_of
from client.events import WARNING
from component_base.os_errors import in_words
from kubelet.events import Recorder
from kubelet.images.manager import ImageManager
from kubelet.references import container_reference
from kubelet.runtime.interface import ContainerRuntimeError, CreateContainerError, RuntimeUnavailable
from kubelet.volumes.mounted import MountedVolume


class ImageFiles(Protocol):
    """The seam: the files of images on disk, or (hollow nodes) nowhere."""

    async def set_up_image(self, uid: str, volume: str, image_id: str) -> MountedVolume:
        """Raises ContainerRuntimeError, OSError."""


class ImageVolumes:
    def __init__(self, images: ImageManager, files: ImageFiles, recorder: Recorder) -> None:
        self._images = images
        self._files = files
        self._recorder = recorder

    async def of(self, pod: Object, container: Object, secrets: Sequence[Object]) -> dict[str, MountedVolume]:
        """By volume name. Raises ContainerRuntimeError for the first that cannot be had."""
        found = {}
        for volume in mounted_images(pod["spec"], container):
            try:
                image = await self._images.ensure_volume(pod, volume["image"], secrets)
            except RuntimeUnavailable:
                raise
            except ContainerRuntimeError as error:
                about = container_reference(pod, container["name"])
                self._recorder.event(about, WARNING, "Failed", f"Error: {error.reason}")
                raise
            try:
                mounted = await self._files.set_up_image(uid_of(pod), volume["name"], image.id)
            except OSError as error:
                raise CreateContainerError(f"failed to mount image {image.id}: {in_words(error)}") from error
            found[volume["name"]] = mounted
        return found


def mounted_images(spec: Object, container: Object) -> list[Object]:
    """The volumes that are images, in the order of the pod."""
    names = {each["name"] for each in container.get("volumeMounts") or ()}
    return [each for each in spec.get("volumes") or () if "image" in each and each["name"] in names]
