"""Waiting for the container that looks, and joining it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from apimachinery import scheme
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from client.waiting import until
from kubectl.attaching import Attachment, attach
from kubectl.failures import CommandError
from kubectl.streaming import to_stdout

if TYPE_CHECKING:
    from client.rest import Client


class Manner(Protocol):
    """How to join."""

    @property
    def stdin(self) -> bool: ...

    @property
    def tty(self) -> bool: ...

    @property
    def quiet(self) -> bool: ...


async def join(client: Client, pod: Object, container: str, manner: Manner) -> None:
    """Until the container ends. What has ended before, or can't be joined, is told by its logs."""
    started = await _started(client, pod, container, quiet=manner.quiet)
    if "terminated" not in _state(started, container):
        wanted = Attachment(container, manner.stdin, manner.tty, manner.quiet)
        try:
            await attach(client, started, wanted)
        except (StatusError, CommandError) as error:
            what = f"couldn't attach to pod/{name_of(pod)}, falling back to streaming logs"
            print(f"warning: {what}: {error}", file=sys.stderr)
        else:
            return
    path = scheme.PODS.path(namespace_of(pod), name_of(pod), "log")
    async for piece in client.stream_bytes("GET", path, params={"container": container}):
        to_stdout(piece)


async def _started(client: Client, pod: Object, container: str, *, quiet: bool) -> Object:
    told = ""

    def has_started(seen: Object | None) -> bool:
        """Tells once why it has not."""
        nonlocal told
        state = _state(seen, container) if seen is not None else {}
        why = (state.get("waiting") or {}).get("message", "")
        if why and why != told and not quiet:
            print(f"Warning: container {container}: {why}", file=sys.stderr)
            told = why
        return seen is None or "running" in state or "terminated" in state

    seen = await until(client, scheme.PODS, name_of(pod), namespace_of(pod), has_started)
    if seen is None:
        raise NotFoundError(scheme.PODS, "")
    return seen


def _state(pod: Object, container: str) -> Object:
    groups = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
    statuses = [each for group in groups for each in pod.get("status", {}).get(group) or ()]
    state: Object = next((each.get("state") or {} for each in statuses if each["name"] == container), {})
    return state
