"""What goes wrong with SPDY."""

from __future__ import annotations


class SpdyError(Exception):
    """The other side does not keep to the protocol; the connection is of no more use."""


class StreamClosed(ConnectionError):
    """A stream, or its connection, takes no more data."""
