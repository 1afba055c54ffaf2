"""Asks, and takes no for an answer: what can't be had is noted, and the rules make do without it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.errors import ConnectionFailed
from kubectl.describe.related import events_of

if TYPE_CHECKING:
    from client.rest import Client

T = TypeVar("T")


Objects = Sequence[Object]
ABSENT: Object = {}
"""An object that is known not to be there."""
ANSWER_SECONDS = 5.0
"""Who asks why does not want to wait: what takes longer than this is out of order itself."""


async def in_time(answer: Awaitable[T]) -> T:
    """Raises ConnectionFailed for an answer that does not come."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await answer
    except TimeoutError:
        raise ConnectionFailed(f"no answer within {ANSWER_SECONDS:.0f} s") from None


class Asker:
    """One conversation with one cluster, at one moment."""

    def __init__(self, client: Client, now: datetime) -> None:
        self.client = client
        self.now = now
        self.unknown: dict[str, None] = {}
        self._is_ours: bool | None = None

    async def get(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        """ABSENT if it is not there, None if it can't be read."""
        try:
            found = await in_time(self.client.get(resource, name, namespace or None))
        except NotFoundError:
            return ABSENT
        except (StatusError, ConnectionFailed) as error:
            self.note(f"{resource.plural}/{name}", error)
            return None
        return {"apiVersion": resource.api_version, "kind": resource.kind, **found}

    async def listed(
        self, resource: Resource, namespace: str = "", *, label_selector: str = "", field_selector: str = ""
    ) -> list[Object] | None:
        """None if they can't be read."""
        try:
            found = await in_time(
                self.client.list(
                    resource,
                    namespace or None,
                    label_selector=label_selector or None,
                    field_selector=field_selector or None,
                )
            )
        except (StatusError, ConnectionFailed) as error:
            self.note(resource.plural, error)
            return None
        return list(found["items"])

    async def needed(self, resource: Resource, namespace: str) -> list[Object]:
        """What nothing can be said without. Raises StatusError, ConnectionFailed."""
        return list((await in_time(self.client.list(resource, namespace)))["items"])

    async def events(self, obj: Object) -> list[Object]:
        """What happened to the object; nothing if it can't be read."""
        try:
            return await in_time(events_of(self.client, obj))
        except (StatusError, ConnectionFailed) as error:
            self.note("events", error)
            return []

    async def text(self, path: str, what: str, **params: str) -> str | None:
        """The body at any path."""
        try:
            body = await in_time(self.client.request("GET", path, params=params))
            return body.decode(errors="replace")
        except (StatusError, ConnectionFailed) as error:
            self.note(what, error)
            return None

    async def json(self, path: str, what: str, **params: str) -> Any | None:
        """What a daemon tells of itself; None from upstream's, which do not."""
        text = await self.text(path, what, **params)
        try:
            return None if text is None else orjson.loads(text)
        except orjson.JSONDecodeError:
            return None

    async def is_ours(self) -> bool:
        """Whether the daemons are Sampan's, so that their silence means something."""
        if self._is_ours is None:
            version = await self.json("/version", "version") or {}
            self._is_ours = str(version.get("goVersion", "")).startswith("python")
        return self._is_ours

    def note(self, what: str, error: Exception) -> None:
        self.unknown[f"{what}: {error}"] = None
