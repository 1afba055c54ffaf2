"""The client's side of exec and attach: channels over a WebSocket (v5.channel.k8s.io), and the terminal.

The first byte of a message is its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the terminal's
size, 255 (v5) closes the channel that the second byte names.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import termios
import threading
import tty as terminal_modes
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
from websockets.typing import Subprotocol

from apimachinery.errors import from_status
from apimachinery.objects import Object
from client.credentials import Credentials
from kubectl.failures import CommandError

if TYPE_CHECKING:
    from client.rest import Client

V5, V4 = Subprotocol("v5.channel.k8s.io"), Subprotocol("v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
_PIECE = 32 * 1024


class Terminal:
    """The local terminal: whether it is one, its size, and raw mode for as long as the command runs."""

    def __init__(self, wanted: bool) -> None:
        self.is_raw_possible = wanted and sys.stdin.isatty()

    @contextlib.contextmanager
    def raw(self) -> Iterator[None]:
        if not self.is_raw_possible:
            yield
            return
        before = termios.tcgetattr(sys.stdin)
        terminal_modes.setraw(sys.stdin)
        try:
            yield
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)

    @staticmethod
    def size() -> bytes:
        columns, lines = shutil.get_terminal_size()
        return orjson.dumps({"Width": columns, "Height": lines})


async def run(client: Client, path: str, query: Sequence[tuple[str, str]], *, stdin: bool, tty: bool) -> int:
    """Runs the remote command to its end; returns its exit code. Raises StatusError, CommandError."""
    connection = await _connect(client, f"{path}?{urlencode(query)}")
    async with connection:
        terminal = Terminal(tty)
        with terminal.raw():
            tasks = [asyncio.create_task(_send_stdin(connection))] if stdin else []
            if terminal.is_raw_possible:
                tasks.append(asyncio.create_task(_send_sizes(connection)))
            try:
                return await _receive(connection)
            finally:
                for task in tasks:
                    task.cancel()


async def _connect(client: Client, target: str) -> Any:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    config = client.config
    scheme, _, rest = config.server.partition("://")
    address = f"{'wss' if scheme == 'https' else 'ws'}://{rest.rstrip('/')}{target}"
    authorization = await Credentials(config).header()
    headers = {"Authorization": authorization.decode()} if authorization else {}
    extra: dict[str, Any] = {"ssl": config.ssl_context()} if scheme == "https" else {}
    if config.tls_server_name:
        extra["server_hostname"] = config.tls_server_name
    try:
        return await connect(
            address, subprotocols=[V5, V4], additional_headers=headers, max_size=None, compression=None,
            ping_interval=None, proxy=None, **extra,
        )  # fmt: skip
    except InvalidStatus as error:
        raise _refusal(error.response) from None


def _refusal(response: Any) -> Exception:
    try:
        status = orjson.loads(response.body or b"")
    except orjson.JSONDecodeError:
        status = None
    text = (response.body or b"").decode(errors="replace")
    return from_status(response.status_code, status if isinstance(status, dict) else None, text)


async def _send_stdin(connection: Any) -> None:
    """Reads in a thread that ends with the process: a read of a terminal can't be interrupted."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        while True:
            piece = os.read(sys.stdin.fileno(), _PIECE)
            with contextlib.suppress(RuntimeError):  # the loop may have ended meanwhile
                loop.call_soon_threadsafe(pieces.put_nowait, piece)
            if not piece:
                return

    threading.Thread(target=read, daemon=True).start()
    while piece := await pieces.get():
        await connection.send(bytes([STDIN]) + piece)
    if connection.subprotocol == V5:
        await connection.send(bytes([CLOSE, STDIN]))


async def _send_sizes(connection: Any) -> None:
    """The size now, and whenever the window changes."""
    changed = asyncio.Event()
    changed.set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, changed.set)
    while True:
        await changed.wait()
        changed.clear()
        await connection.send(bytes([RESIZE]) + Terminal.size())


async def _receive(connection: Any) -> int:
    outputs = {STDOUT: sys.stdout.buffer, STDERR: sys.stderr.buffer}
    final: Object | None = None
    async for message in connection:
        data = message.encode() if isinstance(message, str) else message
        if not data:
            continue
        if data[0] in outputs:
            outputs[data[0]].write(data[1:])
            outputs[data[0]].flush()
        elif data[0] == ERROR and len(data) > 1:
            final = orjson.loads(data[1:])
    return exit_code(final)


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
