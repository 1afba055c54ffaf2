"""`cp`: files and folders to and from containers; tar must be in the container."""

from __future__ import annotations

import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.copying import places
from kubectl.copying.archives import Unpacking, packed
from kubectl.copying.places import Place
from kubectl.failures import CommandError, PlainError
from kubectl.flags import Container

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apimachinery.objects import Object
    from client.rest import Client
    from kubectl.streaming import Streams


def cp(
    words: Annotated[list[str], Words("<file-spec-src> <file-spec-dest>")],
    container: Container = "",
    no_preserve: Annotated[
        bool, Flag("--no-preserve", help="Leave owners and permissions as they come.")
    ] = False,
    retries: Annotated[int, Flag("--retries", help="How often to begin anew from a container.")] = 0,
) -> None:
    """Copy files and directories to and from containers."""
    if len(words) != 2:
        raise CommandError("source and destination are required")
    source, destination = map(places.parse, words)
    places.check(source, destination)

    remote = source if source.pod else destination
    local = _goal(source, destination) if source.pod else _existing(source)

    async def run(client: Client, namespace: str) -> None:
        there = Remote(client, remote._replace(namespace=remote.namespace or namespace), container)
        if source.pod:
            await _download(there, local, retries)
        else:
            await _upload(there, local, no_preserve)

    session.run(run)


def _existing(source: Place) -> Path:
    path = Path(source.path)
    if not path.exists():
        raise CommandError(f"{source.path} doesn't exist in local filesystem")
    return path.resolve()


def _goal(source: Place, destination: Place) -> Path:
    """What exists as a folder gets the thing into it."""
    path = Path(destination.path)
    return path / PurePosixPath(source.path).name if path.is_dir() else path


class Remote:
    """A place in a container, where commands can be run."""

    def __init__(self, client: Client, place: Place, container: str) -> None:
        self.place = place
        self._client = client
        self._container = container
        self._pod: Object | None = None

    async def run(self, command: Sequence[str], streams: Streams) -> int:
        from kubectl.attaching import Attachment, execute

        if self._pod is None:
            self._pod = await self._client.get(scheme.PODS, self.place.pod, self.place.namespace)
        wanted = Attachment(self._container, quiet=True)
        return await execute(self._client, self._pod, command, wanted, streams)


async def _upload(there: Remote, source: Path, no_preserve: bool) -> None:
    from kubectl.streaming import Streams

    goal = PurePosixPath(there.place.path)
    silent = Streams(stdout=lambda _: None, stderr=lambda _: None)
    if there.place.path.endswith("/") or await there.run(["test", "-d", str(goal)], silent) == 0:
        goal /= source.name
    command = ["tar", *(["--no-same-permissions", "--no-same-owner"] * no_preserve), "-xmf", "-"]
    if str(goal.parent) != ".":
        command += ["-C", str(goal.parent)]
    code = await there.run(command, Streams(stdin=packed(source, goal.name)))
    if code:
        raise PlainError(f"command terminated with exit code {code}", code)


async def _download(there: Remote, goal: Path, retries: int) -> None:
    """What tar has to say goes to our standard output, as with kubectl."""
    from kubectl.streaming import Streams, to_stdout

    path = PurePosixPath(there.place.path)
    for attempt in range(retries + 1):
        unpacking = Unpacking(str(path), goal)
        try:
            code = await there.run(
                ["tar", "cf", "-", str(path)], Streams(stdout=unpacking.feed, stderr=to_stdout)
            )
        finally:
            problem = await _finish(unpacking)
        if not code and not problem:
            return
        if attempt == retries and code:
            raise PlainError(f"command terminated with exit code {code}", code)
        if attempt == retries:
            raise CommandError(problem)


async def _finish(unpacking: Unpacking) -> str:
    """What is wrong with what has come."""
    try:
        await unpacking.finish()
    except (tarfile.TarError, OSError) as error:
        return str(error)
    return ""
