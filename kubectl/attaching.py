"""What exec, attach and run share: a container that is chosen, and the local terminal joined to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.pods import is_terminal, phase_of
from kubectl import streaming, terminal
from kubectl.arguments import Flag
from kubectl.failures import CommandError
from kubectl.flags import Container, Quiet
from kubectl.pods import running_containers
from kubectl.streaming import Streams

if TYPE_CHECKING:
    from client.rest import Client

Stdin = Annotated[bool, Flag("--stdin", "-i", help="Pass standard input to the container.")]
Tty = Annotated[bool, Flag("--tty", "-t", help="Standard input is a terminal.")]
PodRunningTimeout = Annotated[float, Flag("--pod-running-timeout", help="How long to wait until a pod runs.")]


class Attachment(NamedTuple):
    """The flags that all of them have."""

    container: Container = ""
    stdin: Stdin = False
    tty: Tty = False
    quiet: Quiet = False


async def execute(
    client: Client, pod: Object, command: Sequence[str], wanted: Attachment, streams: Streams | None = None
) -> int:
    """Runs a command in a container of the pod; returns its exit code.

    `streams` go in place of our own standard ones.
    """
    if is_terminal(pod):
        raise CommandError(
            f"cannot exec into a container in a completed pod; current phase is {phase_of(pod)}"
        )
    query = [("container", _container(pod, wanted)), *(("command", each) for each in command)]
    if streams is None:
        return await _join_terminal(client, pod, "exec", query, wanted)
    path = scheme.PODS.path(namespace_of(pod), name_of(pod), "exec")
    return await streaming.run(client, path, [*query, ("stdout", "true"), ("stderr", "true")], streams)


async def attach(client: Client, pod: Object, wanted: Attachment) -> int:
    """Joins what a container of the pod runs already; returns its exit code, where that is told."""
    if is_terminal(pod):
        raise CommandError(f"cannot attach a container in a completed pod; current phase is {phase_of(pod)}")
    container = _container(pod, wanted)
    spec: Object = next((each for each in _containers(pod) if each["name"] == container), {})
    if wanted.tty and not spec.get("tty"):
        print(f"error: Unable to use a TTY - container {container} did not allocate one", file=sys.stderr)
    wanted = wanted._replace(tty=bool(wanted.tty and spec.get("tty")))
    if not wanted.quiet:
        print("If you don't see a command prompt, try pressing enter.", file=sys.stderr)
    return await _join_terminal(client, pod, "attach", [("container", container)], wanted)


def _containers(pod: Object) -> list[Object]:
    groups = ("containers", "initContainers", "ephemeralContainers")
    return [each for group in groups for each in pod["spec"].get(group) or ()]


def _container(pod: Object, wanted: Attachment) -> str:
    """One that is named is for the server to judge."""
    if wanted.container:
        return wanted.container
    (chosen,) = running_containers(pod, wanted.container, quiet=wanted.quiet)
    return chosen


async def _join_terminal(
    client: Client, pod: Object, what: str, query: Sequence[tuple[str, str]], wanted: Attachment
) -> int:
    tty = wanted.tty
    if tty and wanted.stdin and not terminal.is_terminal():
        print("Unable to use a TTY - input is not a terminal or the right kind of file", file=sys.stderr)
        tty = False
    raw = tty and wanted.stdin
    streams = Streams(
        stdin=terminal.stdin_pieces() if wanted.stdin else None, sizes=terminal.sizes() if raw else None
    )
    asked = [*query, ("stdout", "true"), ("tty", "true") if tty else ("stderr", "true")]
    path = scheme.PODS.path(namespace_of(pod), name_of(pod), what)
    with terminal.raw_mode(raw):
        return await streaming.run(client, path, asked, streams)
