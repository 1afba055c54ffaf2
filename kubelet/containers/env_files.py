"""Environment variables out of files that another container of the pod has written (gate EnvFiles).

Source: pkg/kubelet/util/env of Kubernetes 1.34, and makeEnvironmentVariables of pkg/kubelet/kubelet_pods.go.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from apimachinery.objects import Object
from kubelet.runtime.interface import CreateContainerConfigError

log = logging.getLogger(__name__)

LONGEST_KEY, LARGEST_VALUE = 128, 32 << 10
LARGEST_FILE = 1 << 20
"""Bytes; upstream reads line by line and knows no limit."""
_MOST_LINKS = 255
_BLANK = " \t"


class EnvFileError(ValueError):
    """A file has not the form that upstream asks for."""


def value_from_file(reference: Object, volume: str) -> str | None:
    """What a `fileKeyRef` stands for; None where it is optional and nothing there.

    `volume` is the directory of its volume on the host. Raises CreateContainerConfigError.
    """
    key = reference["key"]
    if len(key) > LONGEST_KEY:
        message = f'environment variable key "{key}" exceeds maximum length of {LONGEST_KEY} characters'
        raise CreateContainerConfigError(message)
    try:
        path = inside(Path(volume), reference["path"])
        value = parse_env(_read(path), key)
    except (OSError, EnvFileError) as error:
        log.warning("Failed to parse env file: volume=%s error=%s", volume, error)
        raise CreateContainerConfigError("couldn't parse env file") from error
    if len(value.encode()) > LARGEST_VALUE:
        message = f'environment variable value for key "{key}" exceeds maximum size of 32KB'
        raise CreateContainerConfigError(message)
    if not value and not reference.get("optional"):
        raise CreateContainerConfigError(f'environment variable key "{key}" not found in file "{path}"')
    return value or None


def parse_env(text: str, key: str) -> str:
    """The value of `key`, or ''. What comes after it may be wrong. Raises EnvFileError."""
    for number, line in _whole_lines(text):
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise EnvFileError(f"invalid environment variable format at line {number}")
        if name.strip() == key:
            return value.strip()
    return ""


def _whole_lines(text: str) -> Iterator[tuple[int, str]]:
    """Without blank ones and comments; those that end in a backslash go on with the next."""
    begun: list[str] = []
    for number, read in enumerate(text.removesuffix("\n").split("\n"), start=1):
        line = read.removesuffix("\r").strip(_BLANK)
        if not line or line.startswith("#"):
            if begun:
                what = "comment" if line else "blank line"
                message = f"invalid environment variable format at line {number}: {what} in continuation"
                raise EnvFileError(message)
            continue
        begun.append(line.removesuffix("\\").rstrip(_BLANK))
        if not line.endswith("\\"):
            yield number, " ".join(begun)
            begun = []
    if begun:
        raise EnvFileError("unexpected end of file: unfinished line continuation")


def inside(root: Path, path: str) -> Path:
    """Where `path` leads if `root` is all there is: links and `..` never lead out. Raises OSError."""
    left, found, links = list(reversed(PurePosixPath(path).parts)), root, 0
    while left:
        part = left.pop()
        if part == "/":
            found = root
        elif part == "..":
            found = found if found == root else found.parent
        elif (found / part).is_symlink():
            links += 1
            if links > _MOST_LINKS:
                raise OSError(f"too many links in {path}")
            left += reversed(Path(os.readlink(found / part)).parts)
        else:
            found = found / part
    return found


def _read(path: Path) -> str:
    """What a container wrote may be a pipe, or endless: neither is waited for."""
    with open(path, "rb", opener=_open) as file:
        content = file.read(LARGEST_FILE + 1) or b""
    if len(content) > LARGEST_FILE:
        raise OSError(f"{path} is too large")
    return content.decode(errors="replace")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
