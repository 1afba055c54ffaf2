"""The channels of a WebSocket: each message begins with its channel's number. Pure.

In the base64 forms of the protocols that number is a digit, and what follows is base64.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
PROTOCOLS = (
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
    "",
)


@dataclass(frozen=True, slots=True)
class ChannelProtocol:
    """What follows from the name that both sides have agreed upon."""

    name: str

    @property
    def is_text(self) -> bool:
        return "base64" in self.name

    @property
    def has_status(self) -> bool:
        """Whether the error channel ends with a Status; else with bare words, or nothing."""
        return self.name.startswith(("v4.", "v5."))

    @property
    def can_close(self) -> bool:
        """Whether the client can close a channel; before v5 its stdin ends with the connection."""
        return self.name.startswith("v5.")

    def encode(self, channel: int, data: bytes) -> bytes:
        if self.is_text:
            return b"%d" % channel + base64.b64encode(data)
        return bytes([channel]) + data

    def decode(self, message: bytes) -> tuple[int, bytes]:
        """The channel, and what was said on it. Raises ValueError for what is no message."""
        if not message:
            raise ValueError("an empty message")
        if not self.is_text:
            return message[0], message[1:]
        try:
            return message[0] - ord("0"), base64.b64decode(message[1:], validate=True)
        except binascii.Error as error:
            raise ValueError(str(error)) from error
