"""`annotate`: sets and removes annotations of objects."""

from __future__ import annotations

from typing import Annotated

from kubectl.arguments import Words
from kubectl.marking import ANNOTATIONS, Marking, run


def annotate(
    words: Annotated[list[str], Words("(TYPE NAME | TYPE/NAME) KEY=VALUE... KEY-...")], marking: Marking
) -> None:
    """Update the annotations on a resource."""
    run(ANNOTATIONS, words, marking)
