"""`uncordon`: new pods on a node again."""

from __future__ import annotations

from typing import Annotated

from kubectl import cordoning
from kubectl.arguments import Words
from kubectl.flags import Dry, NodeSelector


def uncordon(
    words: Annotated[list[str], Words("NODE")],
    selector: NodeSelector = None,
    dry: Dry = "none",
) -> None:
    """Mark node as schedulable."""
    cordoning.run("uncordon", words, selector, dry, unschedulable=False)
