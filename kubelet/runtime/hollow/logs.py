"""What a hollow container wrote, and the part of it that LogOptions ask for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kubelet.runtime.interface import LogOptions

_STREAMS = {"Stdout": {1}, "Stderr": {2}}


@dataclass(frozen=True, slots=True)
class LogLine:
    at: float
    stream: int
    data: bytes


def select(lines: Sequence[LogLine], options: LogOptions) -> list[LogLine]:
    """The lines that were there already: by stream and time, then the tail of those."""
    wanted = [line for line in lines if is_wanted(line, options)]
    if options.tail is None:
        return wanted
    return wanted[-options.tail :] if options.tail > 0 else []


def is_wanted(line: LogLine, options: LogOptions) -> bool:
    return line.at >= options.since and line.stream in _STREAMS.get(options.stream, {1, 2})


def render(line: LogLine, timestamps: bool) -> bytes:
    if not timestamps:
        return line.data
    whole, fraction = divmod(line.at, 1)
    moment = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{int(fraction * 1e9):09d}Z ".encode() + line.data


def limiter(limit: int | None) -> Callable[[bytes], bytes]:
    """Cuts a sequence of pieces after so many bytes altogether."""
    left = limit

    def cut(data: bytes) -> bytes:
        nonlocal left
        if left is None:
            return data
        data = data[:left]
        left -= len(data)
        return data

    return cut
