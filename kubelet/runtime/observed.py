"""A Runtime whose operations are counted and timed, under the names that they have in upstream's CRI client.

Source: pkg/kubelet/kuberuntime/instrumented_services.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, cast

from kubelet import metrics
from kubelet.runtime.interface import ContainerRuntimeError, Runtime

_OPERATIONS = {
    "version": "version",
    "update_pod_cidr": "update_runtime_config",
    "list_pods": "list_podsandbox",
    "get_pod": "podsandbox_status",
    "create_sandbox": "run_podsandbox",
    "stop_sandbox": "stop_podsandbox",
    "remove_sandbox": "remove_podsandbox",
    "create_container": "create_container",
    "start_container": "start_container",
    "stop_container": "stop_container",
    "update_container": "update_container",
    "remove_container": "remove_container",
    "exec_sync": "exec_sync",
    "exec": "exec",
    "attach": "attach",
    "port_forward": "port_forward",
    "pull_image": "pull_image",
    "image": "image_status",
    "list_images": "list_images",
    "remove_image": "remove_image",
    "usage": "list_container_stats",
    "disk_usage": "image_fs_info",
}
"""By the seam's method."""


def observed(runtime: Runtime) -> Runtime:
    return cast(Runtime, _Observed(runtime))


class _Observed:
    """Each method is looked up once; what is no operation is the runtime's own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._runtime, name)
        operation = _OPERATIONS.get(name)
        if operation is not None:
            method = _timed(operation, method)
        setattr(self, name, method)
        return method


def _timed(operation: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def timed(*args: Any, **kwargs: Any) -> Any:
        metrics.RUNTIME_OPERATIONS.labels(operation).inc()
        began = perf_counter()
        try:
            return await method(*args, **kwargs)
        except ContainerRuntimeError:
            metrics.RUNTIME_ERRORS.labels(operation).inc()
            raise
        finally:
            metrics.RUNTIME_SECONDS.labels(operation).observe(perf_counter() - began)

    return timed
