"""`annotate`: sets and removes annotations of objects."""

from __future__ import annotations

from typing import Annotated

import typer

from kubectl.marking import Marking, run

app = typer.Typer()


@app.command("annotate")
def annotate(
    words: Annotated[list[str], typer.Argument(metavar="TYPE NAME KEY=VALUE... KEY-...")],
    filename: Annotated[list[str] | None, typer.Option("--filename", "-f")] = None,
    selector: Annotated[str, typer.Option("--selector", "-l")] = "",
    field_selector: Annotated[str, typer.Option("--field-selector")] = "",
    everything: Annotated[bool, typer.Option("--all")] = False,
    all_namespaces: Annotated[bool, typer.Option("--all-namespaces", "-A")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite")] = False,
    show: Annotated[bool, typer.Option("--list", help="Print the annotations.")] = False,
    resource_version: Annotated[str, typer.Option("--resource-version")] = "",
    output: Annotated[str, typer.Option("--output", "-o")] = "",
    dry: Annotated[str, typer.Option("--dry-run")] = "none",
) -> None:
    """Update the annotations on a resource."""
    marking = Marking("annotations", overwrite, resource_version, show, output)
    run(marking, words, filename, (selector, field_selector, everything, all_namespaces), dry)
