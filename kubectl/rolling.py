"""What the subcommands of `rollout` share: which objects they are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from kubectl.arguments import Words
from kubectl.failures import CommandError
from kubectl.flags import Filenames, Recursive, Selector
from kubectl.printers import AS_IS, Printing
from kubectl.selection import Selection

Targets = Annotated[list[str], Words("(TYPE NAME | TYPE/NAME)")]
ROLLING = ("Deployment", "DaemonSet", "StatefulSet")
MANAGER = "kubectl-rollout"
STRATEGIC = "application/strategic-merge-patch+json"


class Rolling(NamedTuple):
    """The flags that name the objects, and say how they are printed."""

    filename: Filenames = None
    recursive: Recursive = False
    selector: Selector = ""
    printing: Printing = AS_IS

    def selection(self, words: Sequence[str]) -> Selection:
        """All of a type where no name is given. Raises CommandError if nothing is."""
        if not words and not self.filename:
            raise CommandError("required resource not specified")
        everything = len(words) == 1 and "/" not in words[0] and not self.selector
        return Selection(
            words, self.filename or (), self.selector, everything=everything, recursive=self.recursive
        )
