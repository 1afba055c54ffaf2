"""Exec and attach of hollow containers: ExecStreams that are driven by their readers, without a task."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kubelet.runtime.hollow.commands import STDOUT, Cat, Exit, Print, Sleep, Step
from kubelet.runtime.hollow.container import HollowContainer


class HollowExec:
    """Plays a command's steps beside a container; ends with it."""

    def __init__(self, steps: Sequence[Step], streams: set[int]) -> None:
        self._steps = list(steps)
        self._streams = streams
        self._stdin: asyncio.Queue[bytes] = asyncio.Queue()
        self._code: int | None = None
        self.size: tuple[int, int] | None = None

    async def read(self) -> tuple[int, bytes] | None:
        while self._steps and self._code is None:
            piece = await self._step(self._steps[0])
            if piece is not None and piece[0] in self._streams:
                return piece
        return None

    async def write(self, data: bytes) -> None:
        if data:
            self._stdin.put_nowait(data)

    async def close_stdin(self) -> None:
        self._stdin.put_nowait(b"")

    async def resize(self, width: int, height: int) -> None:
        self.size = (width, height)

    async def wait(self) -> int:
        while await self.read() is not None:
            pass
        return self._code or 0

    async def aclose(self) -> None:
        self._stdin.put_nowait(b"")

    async def _step(self, step: Step) -> tuple[int, bytes] | None:
        match step:
            case Cat():
                if data := await self._stdin.get():
                    return STDOUT, data
            case Sleep(seconds):
                await asyncio.sleep(seconds)
            case Exit(code):
                self._code = code
        self._steps.pop(0)
        return (step.stream, step.data) if isinstance(step, Print) else None


class HollowAttach:
    """What the container writes from now on."""

    def __init__(self, container: HollowContainer, streams: set[int]) -> None:
        self._container = container
        self._streams = streams
        self._position = len(container.log)
        self._closed = False

    async def read(self) -> tuple[int, bytes] | None:
        while not self._closed:
            if self._position < len(self._container.log):
                line = self._container.log[self._position]
                self._position += 1
                if line.stream in self._streams:
                    return line.stream, line.data
            elif self._container.has_ended:
                return None
            else:
                await self._container.changed()
        return None

    async def write(self, data: bytes) -> None:
        self._container.feed(data)

    async def close_stdin(self) -> None:
        self._container.close_stdin()

    async def resize(self, width: int, height: int) -> None:
        """A hollow terminal has no size."""

    async def wait(self) -> int:
        return await self._container.ended()

    async def aclose(self) -> None:
        self._closed = True
