"""`cordon`: no new pods on a node."""

from __future__ import annotations

from typing import Annotated

from kubectl import cordoning
from kubectl.arguments import Words
from kubectl.flags import Dry, NodeSelector


def cordon(
    words: Annotated[list[str], Words("NODE")],
    selector: NodeSelector = None,
    dry: Dry = "none",
) -> None:
    """Mark node as unschedulable."""
    cordoning.run("cordon", words, selector, dry, unschedulable=True)
