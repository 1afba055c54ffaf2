"""`logs`: of a pod, of a workload's pod, or of every pod that a selector finds."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple

from apimachinery import scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from apimachinery.times import parse_time
from client.errors import ConnectionFailed
from kubectl import session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.attaching import PodRunningTimeout
from kubectl.failures import CommandError
from kubectl.flags import Container, Selector
from kubectl.pods import first_pod, pod_selector, running_containers
from kubectl.resources import Mapper
from kubectl.streaming import to_stdout

if TYPE_CHECKING:
    from client.rest import Client


@dataclass(frozen=True, slots=True)
class LogSource:
    """One container to read, and what stands before its lines."""

    pod: str
    container: str
    prefix: str = ""


class LogFlags(NamedTuple):
    """What of the logs is wanted, and how."""

    follow: Annotated[bool, Flag("--follow", "-f", help="Go on as it is written.")] = False
    container: Container = ""
    previous: Annotated[bool, Flag("--previous", "-p", help="Of the container before this one.")] = False
    timestamps: Annotated[bool, Flag("--timestamps", help="The time before each line.")] = False
    tail: Annotated[int, Flag("--tail", help="Lines from the end; -1: all, with a selector 10.")] = -1
    since: Annotated[float, Flag("--since", help="Not older than this: 5s, 2m, 3h.")] = 0.0
    since_time: Annotated[str, Flag("--since-time", help="Not before this (RFC3339).")] = ""
    limit_bytes: Annotated[int, Flag("--limit-bytes", help="At most so many bytes; 0: all.")] = 0
    selector: Selector = ""
    all_containers: Annotated[bool, Flag("--all-containers", help="Of every container.")] = False
    all_pods: Annotated[bool, Flag("--all-pods", help="Of every pod of a workload; with --prefix.")] = False
    prefix: Annotated[bool, Flag("--prefix", help="Say before each line whose it is.")] = False
    ignore_errors: Annotated[bool, Flag("--ignore-errors", help="Go on when a log can't be had.")] = False
    max_log_requests: Annotated[int, Flag("--max-log-requests", help="To follow at a time.")] = 5
    insecure: Annotated[
        bool, Flag("--insecure-skip-tls-verify-backend", help="Believe any certificate of the kubelet.")
    ] = False
    timeout: PodRunningTimeout = 20.0

    @property
    def parameters(self) -> dict[str, str]:
        given = {
            "follow": "true" if self.follow else "",
            "previous": "true" if self.previous else "",
            "timestamps": "true" if self.timestamps else "",
            "tailLines": str(self.tail) if self.tail >= 0 else "10" if self.selector else "",
            "sinceSeconds": str(math.ceil(self.since)) if self.since else "",
            "sinceTime": self.since_time,
            "limitBytes": str(self.limit_bytes) if self.limit_bytes else "",
            "insecureSkipTLSVerifyBackend": "true" if self.insecure else "",
        }
        return {name: value for name, value in given.items() if value}


def logs(words: Annotated[list[str], Words("(POD | TYPE/NAME) [-c CONTAINER]")], flags: LogFlags) -> None:
    """Print the logs for a container in a pod."""
    _check(words, flags)
    session.run(lambda client, namespace: _logs(client, namespace, words, flags))


def _check(words: Sequence[str], flags: LogFlags) -> None:
    if flags.selector and words:
        raise UsageError("only a selector (-l) or a POD name is allowed", "logs", "examples")
    if len(words) > 2 or not (words or flags.selector):
        what = "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\n"
        what += "POD or TYPE/NAME is a required argument for the logs command"
        raise UsageError(what, "logs", "examples")
    if flags.since and flags.since_time:
        raise CommandError("at most one of `sinceTime` or `sinceSeconds` may be specified")
    if flags.since_time:
        _check_time(flags.since_time)
    if flags.limit_bytes < 0:
        raise CommandError("--limit-bytes must be greater than 0")
    if flags.tail < -1:
        raise CommandError("--tail must be greater than or equal to -1")


def _check_time(text: str) -> None:
    try:
        parse_time(text)
    except ValueError as error:
        raise CommandError(str(error)) from None


async def _logs(client: Client, namespace: str, words: Sequence[str], flags: LogFlags) -> None:
    try:
        pods = await _pods(client, namespace, words, flags)
    except NotFoundError as error:
        where = f'in namespace "{namespace}"'
        raise CommandError(f"error from server (NotFound): {error.message} {where}") from None
    wanted = flags.container or "".join(words[1:])
    prefixed = flags.prefix or flags.all_pods
    sources = [s for pod in pods for s in _sources(pod, wanted, flags.all_containers, prefixed)]
    if flags.follow and len(sources) > flags.max_log_requests:
        raise CommandError(
            f"you are attempting to follow {len(sources)} log streams, but maximum allowed concurrency "
            f"is {flags.max_log_requests}, use --max-log-requests to increase the limit"
        )
    calls = [_print(client, namespace, source, flags) for source in sources]
    if flags.follow:
        await asyncio.gather(*calls)
        return
    for call in calls:
        await call


async def _pods(client: Client, namespace: str, words: Sequence[str], flags: LogFlags) -> list[Object]:
    selector = flags.selector
    if not selector:
        if "/" not in words[0]:
            return [await client.get(scheme.PODS, words[0], namespace)]
        target = (await Mapper(client).targets(words[:1]))[0]
        if target.resource.kind == "Pod" or not flags.all_pods:
            return [await first_pod(client, namespace, target, flags.timeout, announce=True)]
        selector = pod_selector(target, await client.get(target.resource, target.name, namespace))
    listed = await client.list(scheme.PODS, namespace, label_selector=selector)
    if not listed["items"]:
        print(f"No resources found in {namespace} namespace.", file=sys.stderr)
    return list(listed["items"])


def _sources(pod: Object, wanted: str, everything: bool, prefixed: bool) -> list[LogSource]:
    name = pod["metadata"]["name"]
    containers = running_containers(pod, wanted, everything=everything)
    return [LogSource(name, each, f"[pod/{name}/{each}] " if prefixed else "") for each in containers]


async def _print(client: Client, namespace: str, source: LogSource, flags: LogFlags) -> None:
    path = scheme.PODS.path(namespace, source.pod, "log")
    chosen = {**flags.parameters, "container": source.container}
    lines = Lines(source.prefix)
    try:
        async for chunk in client.stream_bytes("GET", path, params=chosen):
            to_stdout(lines.feed(chunk) if source.prefix else chunk)
        to_stdout(lines.rest())
    except (StatusError, ConnectionFailed) as error:
        if not flags.ignore_errors:
            raise
        print(f"error: {error}", file=sys.stderr)


class Lines:
    """Puts a prefix before every line; only whole ones, since others write at the same time."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        return b"".join(self._prefix + line + b"\n" for line in whole)

    def rest(self) -> bytes:
        """What stands at the end without a line's end."""
        return self._prefix + self._rest if self._rest else b""
