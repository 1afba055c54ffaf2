"""The local side of a remote command: standard input, the terminal's mode and its size."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import termios
import threading
import tty as terminal_modes
from collections.abc import AsyncIterator, Iterator

import orjson

_PIECE = 32 * 1024


def is_terminal() -> bool:
    """Whether standard input is one, and so can be given to a remote terminal."""
    return sys.stdin.isatty()


@contextlib.contextmanager
def raw_mode(wanted: bool) -> Iterator[None]:
    """Every key goes to the other side, as long as this lasts."""
    if not wanted:
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    terminal_modes.setraw(sys.stdin, termios.TCSANOW)  # what is typed already counts
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


async def stdin_pieces() -> AsyncIterator[bytes]:
    """Reads in a thread that ends with the process: a read of a terminal can't be interrupted."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue(1)

    def read() -> None:
        piece = b"unread"
        while piece:
            piece = os.read(sys.stdin.fileno(), _PIECE)
            try:
                asyncio.run_coroutine_threadsafe(pieces.put(piece), loop).result()
            except RuntimeError:  # the loop has ended meanwhile
                return

    threading.Thread(target=read, daemon=True).start()
    while piece := await pieces.get():
        yield piece


async def sizes() -> AsyncIterator[bytes]:
    """The terminal's size now, and whenever the window changes, as the resize channel has it."""
    changed = asyncio.Event()
    changed.set()
    asyncio.get_running_loop().add_signal_handler(signal.SIGWINCH, changed.set)
    while True:
        await changed.wait()
        changed.clear()
        columns, lines = os.get_terminal_size(sys.stdin.fileno())  # not what $COLUMNS claims
        yield orjson.dumps({"Width": columns, "Height": lines})
