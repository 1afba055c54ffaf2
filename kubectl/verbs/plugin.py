"""`plugin`: which programs are verbs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from kubectl import plugins
from kubectl.arguments import Flag
from kubectl.commands import PROGRAM, Group, find
from kubectl.failures import CommandError
from kubectl.tree import ROOT


def list_(
    name_only: Annotated[bool, Flag("--name-only", help="Their names, without their folders.")] = False,
) -> None:
    """List all visible plugin executables on a user's PATH."""
    found = plugins.installed(os.environ.get("PATH", ""))
    if not found:
        raise CommandError("unable to find any kubectl plugins in your PATH")
    print("The following compatible plugins are available:\n")
    warnings = 0
    seen: dict[str, Path] = {}
    for path in found:
        print(path.name if name_only else path, flush=True)
        for problem in _problems(path, seen.setdefault(path.name, path)):
            print(f"  - warning: {problem}", file=sys.stderr)
            warnings += 1
    if warnings:
        raise CommandError(
            "one plugin warning was found" if warnings == 1 else f"{warnings} plugin warnings were found"
        )


def _problems(path: Path, first: Path) -> Iterator[str]:
    """Why it will never be run; `first` is the one of its name that comes first."""
    if not os.access(path, os.X_OK):
        yield f"{path} identified as a kubectl plugin, but it is not executable"
    if first != path:
        yield f"{path} is overshadowed by a similarly named plugin: {first}"
    words = path.name.split("-")[1:]
    if words[0] in ROOT.verbs:
        verb = find(ROOT, words, []).path
        yield f'{path.name} overwrites existing command: "{" ".join((PROGRAM, *verb))}"'


plugin = Group("Provides utilities for interacting with plugins.", {"list": list_})
