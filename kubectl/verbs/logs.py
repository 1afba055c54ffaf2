"""`logs`: of a pod, of a workload's pod, or of every pod that a selector finds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.durations import parse_duration
from apimachinery.objects import Object
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.failures import CommandError
from kubectl.flags import Container, Selector
from kubectl.pods import first_pod, running_containers
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client


@dataclass(frozen=True, slots=True)
class LogSource:
    """One container to read, and what stands before its lines."""

    pod: str
    container: str
    prefix: str = ""


def logs(
    words: Annotated[list[str] | None, Words("POD | TYPE/NAME [CONTAINER]")] = None,
    follow: Annotated[bool, Flag("--follow", "-f")] = False,
    container: Container = "",
    previous: Annotated[bool, Flag("--previous", "-p")] = False,
    timestamps: Annotated[bool, Flag("--timestamps")] = False,
    tail: Annotated[int, Flag("--tail", help="Lines from the end; -1: all.")] = -1,
    since: Annotated[str, Flag("--since")] = "",
    since_time: Annotated[str, Flag("--since-time")] = "",
    limit_bytes: Annotated[int, Flag("--limit-bytes")] = 0,
    selector: Selector = "",
    all_containers: Annotated[bool, Flag("--all-containers")] = False,
    prefix: Annotated[bool, Flag("--prefix", help="Say before each line whose it is.")] = False,
    ignore_errors: Annotated[bool, Flag("--ignore-errors")] = False,
    max_log_requests: Annotated[int, Flag("--max-log-requests")] = 5,
) -> None:
    """Print the logs for a container in a pod."""
    if selector and words:
        raise CommandError("only a selector (-l) or a POD name is allowed")
    if not selector and not words:
        raise CommandError(
            "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
            "POD or TYPE/NAME is a required argument for the logs command"
        )
    if since and since_time:
        raise CommandError("at most one of `sinceTime` or `sinceSeconds` may be specified")
    words = words or []
    parameters = {
        "follow": "true" if follow else "",
        "previous": "true" if previous else "",
        "timestamps": "true" if timestamps else "",
        "tailLines": str(tail) if tail >= 0 else "10" if selector and tail == -1 else "",
        "sinceSeconds": str(round(parse_duration(since))) if since else "",
        "sinceTime": since_time,
        "limitBytes": str(limit_bytes) if limit_bytes else "",
    }
    wanted = container or (words[1] if len(words) > 1 else "")

    async def run(client: Client, namespace: str) -> None:
        pods = await _pods(client, namespace, words, selector)
        sources = [s for pod in pods for s in _sources(pod, wanted, all_containers, prefix)]
        if follow and len(sources) > max_log_requests:
            raise CommandError(
                f"you are attempting to follow {len(sources)} log streams, but maximum allowed concurrency "
                f"is {max_log_requests}, use --max-log-requests to increase the limit"
            )
        chosen = {name: value for name, value in parameters.items() if value}
        await _print_all(client, namespace, sources, chosen, together=follow)

    session.run(run)


async def _pods(client: Client, namespace: str, words: Sequence[str], selector: str) -> list[Object]:
    if selector:
        listed = await client.list(scheme.PODS, namespace, label_selector=selector)
        if not listed["items"]:
            print(f"No resources found in {namespace} namespace.", file=sys.stderr)
        return list(listed["items"])
    if "/" not in words[0]:
        return [await client.get(scheme.PODS, words[0], namespace)]
    target = (await Mapper(client).targets(words[:1]))[0]
    return [await first_pod(client, namespace, target, announce=True)]


def _sources(pod: Object, wanted: str, everything: bool, prefixed: bool) -> list[LogSource]:
    name = pod["metadata"]["name"]
    containers = running_containers(pod, wanted, everything=everything)
    return [LogSource(name, each, f"[pod/{name}/{each}] " if prefixed else "") for each in containers]


async def _print_all(
    client: Client,
    namespace: str,
    sources: Sequence[LogSource],
    parameters: dict[str, str],
    *,
    together: bool,
) -> None:
    calls = [_print(client, namespace, source, parameters) for source in sources]
    if together:
        await asyncio.gather(*calls)
        return
    for call in calls:
        await call


async def _print(client: Client, namespace: str, source: LogSource, parameters: dict[str, str]) -> None:
    path = scheme.PODS.path(namespace, source.pod, "log")
    chosen = {**parameters, "container": source.container}
    line_start = True
    async for chunk in client.stream_bytes("GET", path, params=chosen):
        text = chunk
        if source.prefix:
            mark = source.prefix.encode()
            lines = chunk.splitlines(keepends=True)
            text = b"".join((mark if line_start or i else b"") + line for i, line in enumerate(lines))
            line_start = chunk.endswith(b"\n")
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
