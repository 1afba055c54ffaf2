"""Programs on the PATH that are verbs: `kubectl-foo-bar` for `sampan foo bar`.

Source: k8s.io/kubectl/pkg/cmd/plugin.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PREFIX = "kubectl-"


class Plugin(NamedTuple):
    """A program, and the words that are its arguments."""

    path: str
    arguments: list[str]


def find(words: Sequence[str]) -> Plugin | None:
    """The one with the longest name; dashes in words are underscores in names."""
    named = []
    for word in words:
        if word.startswith("-"):
            break
        named.append(word.replace("-", "_"))
    while named:
        path = shutil.which(PREFIX + "-".join(named))
        if path is not None:
            return Plugin(path, list(words[len(named) :]))
        named.pop()
    return None


def installed(path: str) -> list[Path]:
    """All of them, in the order in which the folders of $PATH have them."""
    found = []
    for folder in dict.fromkeys(filter(None, path.split(os.pathsep))):
        if os.path.isdir(folder):
            found += sorted(each for each in Path(folder).iterdir() if each.name.startswith(PREFIX))
    return found
