"""Which handler of the engine runs a pod: that of its RuntimeClass."""

from __future__ import annotations

from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path
from apimachinery.scheme import RUNTIME_CLASSES
from client.errors import ConnectionFailed
from client.rest import Client
from kubelet.runtime.interface import SandboxError


class RuntimeClasses:
    """Looked up when a sandbox is made, which is seldom."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def handler_of(self, pod: Object) -> str:
        """'' for the engine's default. Raises SandboxError."""
        name = get_path(pod, "spec.runtimeClassName")
        if not name:
            return ""
        try:
            found = await self._client.get(RUNTIME_CLASSES, name)
        except (StatusError, ConnectionFailed) as error:
            raise SandboxError(str(error)) from error
        return str(found["handler"])
