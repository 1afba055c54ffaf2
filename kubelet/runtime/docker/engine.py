"""Short requests to Docker: docker-py in a small pool of threads, and its errors in the runtime's words.

dockerd gets slower the more it has to create and start at once, so those take one of few places; looking is
never made to wait behind them.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kubelet.runtime.interface import ContainerRuntimeError, RuntimeUnavailable

if TYPE_CHECKING:
    from docker import APIClient

T = TypeVar("T")

DEFAULT_ENDPOINT = "unix:///var/run/docker.sock"
_HEAVY, _LIGHT = 4, 2
_REQUEST_LIMIT = 120


class NotFoundInEngine(ContainerRuntimeError):
    """No such container or image."""


class ConflictInEngine(ContainerRuntimeError):
    """The name is taken, or the container is in no state for this."""


class Engine:
    """Every method of it may raise RuntimeUnavailable. The engine need not be there when this is made."""

    def __init__(self, endpoint: str = DEFAULT_ENDPOINT) -> None:
        self.endpoint = endpoint
        self._client: APIClient | None = None
        self._connecting = threading.Lock()
        self._heavy = ThreadPoolExecutor(_HEAVY, "docker-heavy")
        self._light = ThreadPoolExecutor(_LIGHT, "docker-light")

    async def look(self, call: Callable[[APIClient], T]) -> T:
        """Inspect, list: what dockerd answers at once."""
        return await self._run(self._light, call)

    async def act(self, call: Callable[[APIClient], T]) -> T:
        """Create, start, remove: what dockerd has to work for."""
        return await self._run(self._heavy, call)

    async def inspect(self, docker_id: str) -> Mapping[str, Any]:
        inspected: Mapping[str, Any] = await self.look(lambda client: client.inspect_container(docker_id))
        return inspected

    async def list_containers(self, labels: Mapping[str, str]) -> list[Mapping[str, Any]]:
        """All of them with these labels, dead ones too."""
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
        found: list[Mapping[str, Any]] = await self.look(
            lambda client: client.containers(all=True, filters=filters)
        )
        return found

    async def disconnect(self) -> None:
        """The engine has gone away: what is kept open leads nowhere any more."""
        await asyncio.get_running_loop().run_in_executor(self._light, self._disconnect)

    async def close(self) -> None:
        self._heavy.shutdown(wait=False, cancel_futures=True)
        self._light.shutdown(wait=False, cancel_futures=True)
        self._disconnect()

    async def _run(self, pool: ThreadPoolExecutor, call: Callable[[APIClient], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, self._call, call)

    def _call(self, call: Callable[[APIClient], T]) -> T:
        try:
            with translated_errors(self.endpoint):
                return call(self._connect())
        except RuntimeUnavailable:
            self._disconnect()
            raise

    def _connect(self) -> APIClient:
        # Imported with the first request: hollow nodes never need it.
        from docker import APIClient

        with self._connecting:
            if self._client is None:
                _knock(self.endpoint)
                self._client = APIClient(
                    base_url=self.endpoint,
                    version="auto",
                    timeout=_REQUEST_LIMIT,
                    max_pool_size=_HEAVY + _LIGHT,
                )
            return self._client

    def _disconnect(self) -> None:
        with self._connecting:
            if self._client is not None:
                self._client.close()
                self._client = None


def _knock(endpoint: str) -> None:
    """docker-py leaks the socket when nobody is there to be connected to."""
    parts = urlsplit(endpoint)
    try:
        if parts.scheme == "unix":
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
                knocking.connect(parts.path)
        else:
            socket.create_connection((parts.hostname or "", parts.port or 2375)).close()
    except OSError as error:
        raise unavailable(endpoint) from error


@contextmanager
def translated_errors(endpoint: str) -> Iterator[None]:
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise api_error(error.status_code or 500, str(error.explanation or error)) from error
    except (DockerException, RequestException) as error:
        raise unavailable(endpoint) from error


def api_error(status: int, message: str) -> ContainerRuntimeError:
    """Docker's own words, led in as its command line does."""
    kind = {404: NotFoundInEngine, 409: ConflictInEngine}.get(status, ContainerRuntimeError)
    return kind(f"Error response from daemon: {message}")


def unavailable(endpoint: str) -> RuntimeUnavailable:
    return RuntimeUnavailable(
        f"Cannot connect to the Docker daemon at {endpoint}. Is the docker daemon running?"
    )
