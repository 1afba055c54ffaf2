"""The text of a description: lines written at levels, cells aligned as Go's text/tabwriter aligns them.

A cell ends with a tab. Cells of one column on consecutive lines have one width; a line without that cell
ends the column. kubectl's descriptions get their look from this and from nothing else.
"""

from __future__ import annotations

PADDING = 2


class Writer:
    """Collects a description. `level` indents by two spaces each."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._done: list[str] = []

    def line(self, text: str = "", level: int = 0) -> None:
        self.raw(f"{text}\n", level)

    def raw(self, text: str, level: int = 0) -> None:
        self._parts.append("  " * level + text)

    def field(self, name: str, value: object, level: int = 0) -> None:
        """`Name:` and its value in the next column."""
        self.line(f"{name}:\t{value}", level)

    def flush(self) -> None:
        """Ends all columns."""
        self._done.append(align("".join(self._parts)))
        self._parts = []

    def unaligned(self) -> str:
        """The text with its tabs."""
        return "".join(self._parts)

    def text(self) -> str:
        self.flush()
        return "".join(self._done)


def align(text: str) -> str:
    lines = [line.split("\t") for line in text.split("\n")]
    printed: list[str] = []
    _columns(lines, 0, len(lines), [], printed)
    return "\n".join(printed)


def _columns(lines: list[list[str]], start: int, end: int, widths: list[int], printed: list[str]) -> None:
    """Prints lines[start:end], all of which have the columns whose widths are known."""
    column = len(widths)
    at = start
    while at < end:
        if column >= len(lines[at]) - 1:
            printed.append(_padded(lines[at], widths))
            at += 1
            continue
        block = at
        while at < end and column < len(lines[at]) - 1:
            at += 1
        width = max(len(line[column]) for line in lines[block:at]) + PADDING
        _columns(lines, block, at, [*widths, width], printed)


def _padded(cells: list[str], widths: list[int]) -> str:
    known = [cell.ljust(width) for cell, width in zip(cells, widths, strict=False)]
    return "".join(known + cells[len(widths) :])
