"""The channels of exec and attach over a WebSocket: `v5.channel.k8s.io` and `v4.channel.k8s.io`. Pure.

Each message begins with its channel's number; the base64 forms of the protocols are not spoken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
)


def choose_protocol(offered: Sequence[str]) -> str | None:
    """The best that both speak."""
    return next((each for each in PROTOCOLS if each in offered), None)


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message: exactly one of the three."""

    data: bytes | None = None
    size: tuple[int, int] | None = None
    closes_stdin: bool = False


def read_message(message: bytes) -> Incoming:
    """What the client wants; unknown channels are ignored."""
    if not message:
        return Incoming()
    channel, rest = message[0], message[1:]
    if channel == STDIN:
        return Incoming(data=rest)
    if channel == RESIZE:
        return Incoming(size=_size(rest))
    return Incoming(closes_stdin=channel == CLOSE and rest[:1] == bytes([STDIN]))


def _size(data: bytes) -> tuple[int, int] | None:
    try:
        size: Any = orjson.loads(data)
        return int(size["Width"]), int(size["Height"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None


def exit_status(code: int, protocol: str) -> bytes:
    """The last message on the error channel."""
    if protocol in PROTOCOLS[2:]:
        text = f"command terminated with non-zero exit code: exit status {code}" if code else ""
        return bytes([ERROR]) + text.encode()
    return bytes([ERROR]) + orjson.dumps(_status(code))


def failure_status(message: str) -> bytes:
    """The command could not be run at all."""
    status = {"metadata": {}, "status": "Failure", "message": message, "reason": "InternalError", "code": 500}
    return bytes([ERROR]) + orjson.dumps(status)


def _status(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
