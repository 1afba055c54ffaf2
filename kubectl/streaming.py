"""The client's side of exec and attach: channels over a WebSocket (v5.channel.k8s.io).

The first byte of a message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the terminal's
size, 255 (v5) closes the channel that the second byte names.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

import orjson

from apimachinery.objects import Object
from component_base.websocket import WebSocket
from kubectl.failures import CommandError
from kubectl.upgrading import open_websocket

if TYPE_CHECKING:
    from client.rest import Client

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255

Sink = Callable[[bytes], None]


def to_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def to_stderr(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


class Streams(NamedTuple):
    """What goes in and where things go that come out; `sizes` are those of the terminal."""

    stdin: AsyncIterator[bytes] | None = None
    stdout: Sink = to_stdout
    stderr: Sink = to_stderr
    sizes: AsyncIterator[bytes] | None = None


async def run(client: Client, path: str, query: Sequence[tuple[str, str]], streams: Streams) -> int:
    """Runs the remote command to its end; returns its exit code. Raises StatusError, CommandError."""
    asked = [*query, *([("stdin", "true")] if streams.stdin else [])]
    socket = await open_websocket(client, f"{path}?{urlencode(asked)}", [V5, V4])
    tasks = [asyncio.create_task(_send_stdin(socket, streams.stdin))] if streams.stdin else []
    if streams.sizes is not None:
        tasks.append(asyncio.create_task(_send_sizes(socket, streams.sizes)))
    try:
        return exit_code(await _receive(socket, streams))
    finally:
        for task in tasks:
            task.cancel()
        socket.abort()


async def _send_stdin(socket: WebSocket, pieces: AsyncIterator[bytes]) -> None:
    async for piece in pieces:
        socket.send(bytes([STDIN]) + piece)
        await socket.drain()
    if socket.subprotocol == V5:
        socket.send(bytes([CLOSE, STDIN]))


async def _send_sizes(socket: WebSocket, sizes: AsyncIterator[bytes]) -> None:
    async for size in sizes:
        socket.send(bytes([RESIZE]) + size)


async def _receive(socket: WebSocket, streams: Streams) -> Object | None:
    """Hands out what comes; returns the final Status."""
    outputs = {STDOUT: streams.stdout, STDERR: streams.stderr}
    final: Object | None = None
    while (message := await socket.receive()) is not None:
        if len(message) < 2:
            continue
        if message[0] in outputs:
            outputs[message[0]](message[1:])
        elif message[0] == ERROR:
            final = orjson.loads(message[1:])
    return final


def exit_code(status: Object | None) -> int:
    """0 for success, the command's own code if it failed. Raises what else the Status tells."""
    if status is None or status.get("status") == "Success":
        return 0
    for cause in (status.get("details") or {}).get("causes") or ():
        if status.get("reason") == "NonZeroExitCode" and cause.get("reason") == "ExitCode":
            return int(cause["message"])
    if status.get("reason") == "InternalError":
        raise CommandError(
            f"Internal error occurred: {status.get('message', '').removeprefix('Internal error occurred: ')}"
        )
    raise CommandError(status.get("message", "the command failed"))
