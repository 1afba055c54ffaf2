"""`exec`: a command in a container, over a WebSocket, with or without a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from apimachinery.pods import is_terminal, phase_of
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError, PlainError
from kubectl.flags import Container, Quiet
from kubectl.pods import first_pod, running_containers
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client


def exec_(
    words: Annotated[list[str] | None, Words("POD | TYPE/NAME -- COMMAND [args...]")] = None,
    container: Container = "",
    stdin: Annotated[bool, Flag("--stdin", "-i", help="Pass stdin to the container.")] = False,
    tty: Annotated[bool, Flag("--tty", "-t", help="Stdin is a terminal.")] = False,
    quiet: Quiet = False,
) -> None:
    """Execute a command in a container."""
    if not words:
        raise CommandError("pod, type/name or --filename must be specified")
    if len(words) < 2:
        raise CommandError("you must specify at least one command for the container")

    async def run(client: Client, namespace: str) -> int:
        return await _exec(client, namespace, words[0], words[1:], container, stdin=stdin, tty=tty)

    code = session.run(run)
    if code:
        raise PlainError(f"command terminated with exit code {code}", code)


async def _exec(
    client: Client, namespace: str, word: str, command: list[str], container: str, *, stdin: bool, tty: bool
) -> int:
    from apimachinery import scheme
    from kubectl import streaming

    target = (await Mapper(client).targets([word]))[0] if "/" in word else Target(scheme.PODS, word)
    pod = await first_pod(client, namespace, target)
    if is_terminal(pod):
        raise CommandError(
            f"cannot exec into a container in a completed pod; current phase is {phase_of(pod)}"
        )
    (chosen,) = running_containers(pod, container)
    terminal = streaming.Terminal(tty) if stdin else None
    if tty and terminal is not None and not terminal.is_raw_possible:
        print("Unable to use a TTY - input is not a terminal or the right kind of file", file=sys.stderr)
        tty = False
    query = [("container", chosen), *(("command", each) for each in command), ("stdout", "true")]
    query += [("stdin", "true")] * stdin + [("tty", "true")] * tty + [("stderr", "true")] * (not tty)
    path = scheme.PODS.path(namespace, pod["metadata"]["name"], "exec")
    return await streaming.run(client, path, query, stdin=stdin, tty=tty)
