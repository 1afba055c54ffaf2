"""`exec`: a command in a container, with or without a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kubectl import session
from kubectl.arguments import Command, UsageError, Words
from kubectl.attaching import Attachment, PodRunningTimeout, execute
from kubectl.failures import CommandError, PlainError
from kubectl.flags import Filenames
from kubectl.pods import attachable_pod

if TYPE_CHECKING:
    from client.rest import Client


def exec_(
    words: Annotated[list[str], Words("(POD | TYPE/NAME)")],
    attachment: Attachment,
    command: Annotated[list[str] | None, Command()] = None,
    filename: Filenames = None,
    timeout: PodRunningTimeout = 60.0,
) -> None:
    """Execute a command in a container."""
    if not words and not filename:
        raise CommandError("pod, type/name or --filename must be specified")
    if len(words) > 1:
        raise UsageError(
            "exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
            "exec",
            "examples",
        )
    if not command:
        raise CommandError("you must specify at least one command for the container")

    async def run(client: Client, namespace: str) -> int:
        pod = await attachable_pod(client, namespace, words, filename or (), timeout)
        return await execute(client, pod, command, attachment)

    code = session.run(run)
    if code:
        raise PlainError(f"command terminated with exit code {code}", code)
