"""Errors about files, in Go's words."""

from __future__ import annotations

import errno
import os

import pytest

from component_base.os_errors import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOENT, os.strerror(errno.ENOENT), "/x"), "open /x: no such file or directory"),
        (OSError(errno.EBUSY, os.strerror(errno.EBUSY)), "device or resource busy"),
        (OSError("too large"), "too large"),
    ],
    ids=["of a file", "of none", "our own"],
)
def test_errors_about_files(error: OSError, words: str) -> None:
    assert in_words(error, "open") == words


def test_an_operation_that_is_not_known_is_not_named() -> None:
    assert in_words(OSError(errno.EEXIST, "File exists", "/x")) == "/x: file exists"
