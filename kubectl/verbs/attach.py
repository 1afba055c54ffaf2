"""`attach`: the input and output of what a container runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kubectl import session
from kubectl.arguments import Words
from kubectl.attaching import Attachment, PodRunningTimeout
from kubectl.attaching import attach as attach_to
from kubectl.failures import CommandError
from kubectl.pods import attachable_pod

if TYPE_CHECKING:
    from client.rest import Client


def attach(
    words: Annotated[list[str], Words("(POD | TYPE/NAME)")],
    attachment: Attachment,
    timeout: PodRunningTimeout = 60.0,
) -> None:
    """Attach to a process that is already running inside an existing container."""
    if not words:
        raise CommandError("at least 1 argument is required for attach")

    async def run(client: Client, namespace: str) -> None:
        await attach_to(client, await attachable_pod(client, namespace, words, (), timeout), attachment)

    session.run(run)
