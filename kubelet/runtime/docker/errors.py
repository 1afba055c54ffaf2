"""What Docker refuses, in the runtime's words."""

from __future__ import annotations

from kubelet.runtime.interface import ContainerRuntimeError, RuntimeUnavailable


class NotFoundInEngine(ContainerRuntimeError):
    """No such container or image."""


class ConflictInEngine(ContainerRuntimeError):
    """The name is taken, or the container is in no state for this."""


def api_error(status: int, message: str) -> ContainerRuntimeError:
    """Docker's own words, led in as its command line does."""
    kind = {404: NotFoundInEngine, 409: ConflictInEngine}.get(status, ContainerRuntimeError)
    return kind(f"Error response from daemon: {message}")


def unavailable(endpoint: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        f"Cannot connect to the Docker daemon at {endpoint}. Is the docker daemon running?"
    )
