"""/run: a command in a container, and all that it says. /checkpoint: refused, as by an engine without it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kubelet.kubelet import Kubelet
from kubelet.runtime.interface import ContainerRuntimeError
from kubelet.server.containers import check_container, pod_named, running_container_id
from kubelet.server.refused import Refused

LONGEST_SECONDS = 3600.0
_UNIMPLEMENTED = (
    "rpc error: code = Unimplemented desc = unknown method CheckpointContainer for service "
    "runtime.v1.RuntimeService"
)


class RunEndpoint:
    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def __call__(self, request: Request) -> Response:
        try:
            return Response(await self._run(request), media_type="application/json")
        except Refused as refused:
            return refused.response()

    async def _run(self, request: Request) -> bytes:
        """Raises Refused."""
        where, command = request.path_params, request.query_params.get("cmd", "").split(" ")
        pod = pod_named(self._kubelet, where["namespace"], where["pod"], where.get("uid", ""))
        container_id = running_container_id(pod, where["container"])
        try:
            result = await self._kubelet.runtime.exec_sync(container_id, command, LONGEST_SECONDS)
        except (ContainerRuntimeError, TimeoutError) as error:
            raise Refused(500, str(error)) from error
        if result.exit_code:
            said = result.output.decode(errors="replace")
            raise Refused(500, f"command '{' '.join(command)}' exited with {result.exit_code}: {said}")
        return result.output


class CheckpointEndpoint:
    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def __call__(self, request: Request) -> Response:
        where = request.path_params
        namespace, name, container = where["namespace"], where["pod"], where["container"]
        try:
            pod = pod_named(self._kubelet, namespace, name)
            check_container(pod, container, f"container {container} does not exist")
        except Refused as refused:
            return refused.response()
        words = f"checkpointing of {namespace}/{name}/{container} failed ({_UNIMPLEMENTED})"
        return Refused(500, words).response()
