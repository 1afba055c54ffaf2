"""`run`: one pod out of flags."""

from __future__ import annotations

from typing import Annotated

import typer

from kubectl.creating import Creation, create
from kubectl.failures import CommandError
from kubectl.generators import workloads

app = typer.Typer()


@app.command("run")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    words: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS...]")] = None,
    image: Annotated[str, typer.Option("--image")] = "",
    labels: Annotated[str, typer.Option("--labels", "-l")] = "",
    env: Annotated[list[str] | None, typer.Option("--env")] = None,
    port: Annotated[int, typer.Option("--port")] = 0,
    restart: Annotated[str, typer.Option("--restart", help="Always, OnFailure or Never.")] = "Always",
    is_command: Annotated[bool, typer.Option("--command", help="The words are the command.")] = False,
    stdin: Annotated[bool, typer.Option("--stdin", "-i")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t")] = False,
    dry: Annotated[str, typer.Option("--dry-run")] = "none",
    output: Annotated[str, typer.Option("--output", "-o")] = "",
    save: Annotated[bool, typer.Option("--save-config")] = False,
) -> None:
    """Create and run a particular image in a pod."""
    if not image:
        raise CommandError("--image is required")
    if restart not in ("Always", "OnFailure", "Never"):
        raise CommandError(f"invalid restart policy: {restart}")
    pod = workloads.pod(
        name,
        image,
        labels=dict(part.split("=", 1) for part in labels.split(",")) if labels else {},
        environment=env or (),
        port=port,
        restart=restart,
        args=words or (),
        is_command=is_command,
        stdin=stdin,
        tty=tty,
    )
    create(pod, Creation(dry, output, save, field_manager="kubectl-run"))
