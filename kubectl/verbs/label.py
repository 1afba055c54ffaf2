"""`label`: sets and removes labels of objects."""

from __future__ import annotations

from typing import Annotated

from kubectl.arguments import Words
from kubectl.marking import LABELS, Marking, run


def label(
    words: Annotated[list[str], Words("(TYPE NAME | TYPE/NAME) KEY=VALUE... KEY-...")], marking: Marking
) -> None:
    """Update the labels on a resource."""
    run(LABELS, words, marking)
