"""PodApi: the scheduler's few requests about pods. One method a request; no decisions."""

from __future__ import annotations

from apimachinery.errors import ConflictError, NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import PODS
from client.rest import STRATEGIC, Client
from component_base import tracing
from scheduler.pod_info import PodInfo


class PodApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def bind(self, pod: PodInfo, node: str) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.key.name, "namespace": pod.key.namespace, "uid": pod.uid},
            "target": {"kind": "Node", "name": node},
        }
        with tracing.span(tracing.new_span(_causes(pod))):
            await self._client.create(
                PODS, binding, pod.key.namespace, name=pod.key.name, subresource="binding"
            )

    async def patch_status(self, pod: PodInfo, patch: Object) -> None:
        """Does nothing if the pod is gone, or replaced by one of the same name."""
        guarded = {**patch, "metadata": {"uid": pod.uid}}
        with tracing.span(tracing.new_span(_causes(pod))):
            try:
                await self._client.patch(
                    PODS, pod.key.name, guarded, pod.key.namespace, patch_type=STRATEGIC, subresource="status"
                )
            except (NotFoundError, ConflictError):
                return

    async def delete(self, pod: PodInfo) -> None:
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": pod.uid}}
        with tracing.span(tracing.new_span(_causes(pod))):
            try:
                await self._client.delete(PODS, pod.key.name, pod.key.namespace, options=options)
            except (NotFoundError, ConflictError):
                return


def _causes(pod: PodInfo) -> tuple[str, ...]:
    version = pod.pod["metadata"].get("resourceVersion")
    return (version,) if version else ()
