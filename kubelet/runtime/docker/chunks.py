"""A body in chunks, taken apart as it comes off the wire.

Docker makes a chunk of each line of a log: what arrived together stays together, for a stream of many
thousand small pieces costs far more than their bytes.
"""

from __future__ import annotations


class ChunkedBody:
    """Gives the data of chunks, without waiting for whole ones. Trailers are thrown away."""

    def __init__(self) -> None:
        self.is_whole = False
        self._rest = b""
        """The beginning of a line that says how long a chunk is."""
        self._left = 0
        """Of the chunk that we are in: its data and the end of line after it."""

    def feed(self, piece: bytes) -> bytes:
        """The data in a piece, which may be none."""
        piece, self._rest = self._rest + piece, b""
        found, at = [], 0
        while at < len(piece) and not self.is_whole:
            if self._left:
                found.append(piece[at : at + max(self._left - 2, 0)])
                passed = min(self._left, len(piece) - at)
                self._left -= passed
                at += passed
            elif (end := piece.find(b"\n", at)) < 0:
                self._rest = piece[at:]
                break
            else:
                self._begin(piece[at:end])
                at = end + 1
        return b"".join(found)

    def _begin(self, line: bytes) -> None:
        size = int(line.partition(b";")[0], 16)
        self.is_whole = not size
        self._left = size + 2 if size else 0
