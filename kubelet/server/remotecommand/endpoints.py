"""/exec and /attach: switch protocols, begin, copy both ways, tell how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from kubelet.kubelet import Kubelet
from kubelet.runtime.interface import ContainerRuntimeError, ExecStream
from kubelet.server.containers import has_terminal, pod_named, running_container_id
from kubelet.server.refused import Refused
from kubelet.server.remotecommand.client_streams import ClientStreams, Wanted
from kubelet.server.remotecommand.session import attend, fail
from kubelet.server.remotecommand.spdy_streams import spdy_streams
from kubelet.server.remotecommand.status import SUCCESS, Status, exit_status, internal_error
from kubelet.server.remotecommand.websocket_streams import websocket_streams
from kubelet.server.upgrade import is_websocket, serve_upgrade


class RemoteCommand(ABC):
    """What exec and attach share."""

    failure: str
    """What stands before the reason when it cannot begin."""

    def __init__(self, kubelet: Kubelet, idle_seconds: float) -> None:
        self._kubelet = kubelet
        self._runtime = kubelet.runtime
        self._idle_seconds = idle_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_upgrade(self._serve, self._idle_seconds, scope, receive, send)

    async def _serve(self, request: Request) -> None:
        where, wanted = request.path_params, wanted_streams(request)
        pod = pod_named(self._kubelet, where["namespace"], where["pod"], where.get("uid", ""))
        container_id = running_container_id(pod, where["container"])
        wanted = self._adapt(wanted, has_terminal(pod, where["container"]))
        async with client_streams(request, wanted) as client:
            try:
                process = await self._begin(request, container_id, wanted)
            except ContainerRuntimeError as error:
                await fail(client, internal_error(f"{self.failure}: {error}"))
            else:
                await attend(client, process, self._outcome)

    def _adapt(self, wanted: Wanted, has_terminal: bool) -> Wanted:
        """What is to be had of what is asked for."""
        return wanted

    @abstractmethod
    async def _begin(self, request: Request, container_id: str, wanted: Wanted) -> ExecStream:
        """Raises ContainerRuntimeError."""

    @abstractmethod
    async def _outcome(self, process: ExecStream) -> Status:
        """What the client is told once there is nothing more to read."""


class ExecEndpoint(RemoteCommand):
    """Runs a command in a container."""

    failure = "error executing command in container"

    async def _begin(self, request: Request, container_id: str, wanted: Wanted) -> ExecStream:
        command = request.query_params.getlist("command")
        return await self._runtime.exec(
            container_id, command,
            stdin=wanted.stdin, stdout=wanted.stdout, stderr=wanted.stderr, tty=wanted.tty,
        )  # fmt: skip

    async def _outcome(self, process: ExecStream) -> Status:
        return exit_status(await process.wait())


class AttachEndpoint(RemoteCommand):
    """Joins the container's own process."""

    failure = "error attaching to container"

    def _adapt(self, wanted: Wanted, has_terminal: bool) -> Wanted:
        """A process has its terminal from the start, or never."""
        return replace(wanted, tty=has_terminal, stderr=wanted.stderr and not has_terminal)

    async def _begin(self, request: Request, container_id: str, wanted: Wanted) -> ExecStream:
        return await self._runtime.attach(
            container_id, stdin=wanted.stdin, stdout=wanted.stdout, stderr=wanted.stderr, tty=wanted.tty
        )

    async def _outcome(self, process: ExecStream) -> Status:
        """Seeing no more is a success; how the container ends is for its status to say."""
        return SUCCESS


def wanted_streams(request: Request) -> Wanted:
    """Raises Refused."""
    query = request.query_params

    def asked(*names: str) -> bool:
        return any(query.get(name, "").lower() in ("1", "true") for name in names)

    tty = asked("tty")
    wanted = Wanted(
        asked("input", "stdin"), asked("output", "stdout"), asked("error", "stderr") and not tty, tty
    )
    if not (wanted.stdin or wanted.stdout or wanted.stderr):
        raise Refused(400, "you must specify at least 1 of stdin, stdout, stderr")
    return wanted


@asynccontextmanager
async def client_streams(request: Request, wanted: Wanted) -> AsyncIterator[ClientStreams]:
    """Raises Refused, ConnectionError."""
    if is_websocket(request):
        async with websocket_streams(request, wanted) as channels:
            yield channels
    else:
        async with spdy_streams(request, wanted) as streams:
            yield streams
