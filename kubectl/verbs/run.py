"""`run`: one pod out of flags."""

from __future__ import annotations

from typing import Annotated

from kubectl.arguments import Flag, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError
from kubectl.generators import workloads


def run(
    name: Annotated[str, Words("NAME")],
    creation: Creation,
    words: Annotated[list[str] | None, Words("[-- ARGS...]")] = None,
    image: Annotated[str, Flag("--image")] = "",
    labels: Annotated[str, Flag("--labels", "-l")] = "",
    env: Annotated[list[str] | None, Flag("--env")] = None,
    port: Annotated[int, Flag("--port")] = 0,
    restart: Annotated[str, Flag("--restart", help="Always, OnFailure or Never.")] = "Always",
    is_command: Annotated[bool, Flag("--command", help="The words are the command.")] = False,
    stdin: Annotated[bool, Flag("--stdin", "-i")] = False,
    tty: Annotated[bool, Flag("--tty", "-t")] = False,
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
    create(pod, creation, Wording(manager="kubectl-run"))
