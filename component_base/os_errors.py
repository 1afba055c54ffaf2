"""What went wrong with a file, in Go's words."""

from __future__ import annotations


def in_words(error: OSError, operation: str = "") -> str:
    """`open /x: no such file or directory`; without the operation where it is not known."""
    reason = error.strerror.lower() if error.strerror else str(error)
    if error.filename is None:
        return reason
    return f"{operation} {error.filename}: {reason}".lstrip()
