"""`uncordon`: new pods on a node again."""

from __future__ import annotations

from typing import Annotated

import typer

from kubectl import cordoning

app = typer.Typer()


@app.command("uncordon")
def uncordon(
    words: Annotated[list[str] | None, typer.Argument(metavar="NODE...")] = None,
    selector: Annotated[str, typer.Option("--selector", "-l")] = "",
    dry: Annotated[str, typer.Option("--dry-run")] = "none",
) -> None:
    """Mark node as schedulable."""
    cordoning.run(words or [], selector, dry, unschedulable=False)
