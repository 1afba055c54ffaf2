"""/exec and /attach: a WebSocket on one side, the engine's stream on the other."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from apimachinery.objects import Object
from kubelet.kubelet import Kubelet
from kubelet.runtime.interface import ContainerRuntimeError, ExecStream
from kubelet.server.channels import STDERR, STDOUT, choose_protocol, exit_status, failure_status, read_message
from kubelet.server.containers import Refused, pod_named, running_container_id

log = logging.getLogger(__name__)

POLICY_VIOLATION, GOING_AWAY = 1008, 1001


@dataclass(frozen=True, slots=True)
class StreamOptions:
    command: tuple[str, ...]
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


Open = Callable[[Object, str, StreamOptions], Awaitable[ExecStream]]
"""Begins what the streams belong to, in this container of this pod."""

ExitCode = Callable[[ExecStream], Awaitable[int]]
"""What the client is told once there is nothing more to read."""


class ExecEndpoint:
    """Runs a command in a container."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def __call__(self, socket: WebSocket) -> None:
        await _serve(self._kubelet, socket, self._open, _code_of_command)

    async def _open(self, pod: Object, container_id: str, wanted: StreamOptions) -> ExecStream:
        return await self._kubelet.runtime.exec(
            container_id,
            wanted.command,
            stdin=wanted.stdin,
            stdout=wanted.stdout,
            stderr=wanted.stderr,
            tty=wanted.tty,
        )


class AttachEndpoint:
    """Joins the container's own process."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet

    async def __call__(self, socket: WebSocket) -> None:
        await _serve(self._kubelet, socket, self._open, _no_code)

    async def _open(self, pod: Object, container_id: str, wanted: StreamOptions) -> ExecStream:
        return await self._kubelet.runtime.attach(
            container_id, stdin=wanted.stdin, stdout=wanted.stdout, stderr=wanted.stderr, tty=wanted.tty
        )


def stream_options(socket: WebSocket) -> StreamOptions:
    query = socket.query_params

    def asked(*names: str) -> bool:
        return any(query.get(name, "").lower() in ("1", "true") for name in names)

    tty = asked("tty")
    return StreamOptions(
        command=tuple(query.getlist("command")),
        stdin=asked("input", "stdin"),
        stdout=asked("output", "stdout"),
        stderr=asked("error", "stderr") and not tty,
        tty=tty,
    )


async def _code_of_command(stream: ExecStream) -> int:
    return await stream.wait()


async def _no_code(stream: ExecStream) -> int:
    """Seeing no more is a success; how the container ends is for its status to say."""
    return 0


async def _serve(kubelet: Kubelet, socket: WebSocket, open_stream: Open, exit_code: ExitCode) -> None:
    where = socket.path_params
    wanted = stream_options(socket)
    protocol = choose_protocol(socket.scope.get("subprotocols") or ())
    try:
        if not (wanted.stdin or wanted.stdout or wanted.stderr):
            raise Refused(400, "you must specify at least 1 of stdin, stdout, stderr")
        pod = pod_named(kubelet, where["namespace"], where["pod"], where.get("uid", ""))
        container_id = running_container_id(pod, where["container"])
    except Refused as refused:
        await _refuse(socket, refused)
        return
    await socket.accept(subprotocol=protocol)
    try:
        stream = await open_stream(pod, container_id, wanted)
    except ContainerRuntimeError as error:
        await socket.send_bytes(failure_status(f"error executing command in container: {error}"))
        await socket.close()
        return
    await _pump(socket, stream, protocol or "", exit_code)


async def _refuse(socket: WebSocket, refused: Refused) -> None:
    """As an HTTP answer, where the server can give one instead of the handshake."""
    if "websocket.http.response" in (socket.scope.get("extensions") or {}):
        from starlette.responses import PlainTextResponse

        await socket.send_denial_response(PlainTextResponse(str(refused), refused.status))
        return
    await socket.close(POLICY_VIOLATION, str(refused))


async def _pump(socket: WebSocket, stream: ExecStream, protocol: str, exit_code: ExitCode) -> None:
    """Until the command ends or the client goes away."""
    feeding = asyncio.create_task(_feed(socket, stream))
    try:
        while (piece := await stream.read()) is not None:
            channel, data = piece
            await socket.send_bytes(bytes([STDERR if channel == STDERR else STDOUT]) + data)
        await socket.send_bytes(exit_status(await exit_code(stream), protocol))
        await socket.close()
    except (WebSocketDisconnect, RuntimeError) as error:  # starlette's word for a closed socket
        log.info("Client went away: error=%s", error)
    finally:
        feeding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await feeding
        await stream.close()


async def _feed(socket: WebSocket, stream: ExecStream) -> None:
    """The client's side: input and window sizes."""
    try:
        while socket.client_state is WebSocketState.CONNECTED:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                await stream.close()
                return
            incoming = read_message(message.get("bytes") or (message.get("text") or "").encode())
            if incoming.data:
                await stream.write(incoming.data)
            elif incoming.size:
                await stream.resize(*incoming.size)
            elif incoming.closes_stdin:
                await stream.close_stdin()
    except (ContainerRuntimeError, OSError) as error:
        log.info("Input not delivered: error=%s", error)
