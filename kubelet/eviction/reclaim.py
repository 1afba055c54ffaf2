"""What a node can free before a pod has to go: containers that are over, then images."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from kubelet.images.collector import ImageCollector
from kubelet.pods.seen import containers_named, newest_sandbox
from kubelet.runtime.interface import ContainerState, Runtime, RuntimeContainer, RuntimePod

log = logging.getLogger(__name__)


class NodeReclaimer:
    def __init__(self, runtime: Runtime, images: ImageCollector) -> None:
        self._runtime = runtime
        self._images = images

    async def reclaim(self) -> None:
        for container in unused_containers((await self._runtime.list_pods()).values()):
            log.info("Removing a container that is over: container=%s", container.id)
            await self._runtime.remove_container(container.id)
        await self._images.delete_unused()


def unused_containers(pods: Iterable[RuntimePod]) -> list[RuntimeContainer]:
    """All of pods that are over, and of others those that another has followed. Pure."""
    return [
        each
        for pod in pods
        for each in pod.containers
        if each.state is ContainerState.EXITED
        and (_is_over(pod) or each != containers_named(pod, each.name)[0])
    ]


def _is_over(pod: RuntimePod) -> bool:
    sandbox = newest_sandbox(pod)
    return sandbox is None or not sandbox.ready
