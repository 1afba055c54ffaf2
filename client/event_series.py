"""Events of events.k8s.io/v1, as upstream's scheduler writes them: the same again makes it a series.

A series is written when it begins, every half hour, and for the last time when six minutes have passed
without another, or as soon after as the server can be reached.
Source: client-go, tools/events/event_broadcaster.go.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Awaitable, Callable, Hashable
from datetime import datetime, timedelta
from functools import partial

from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of
from apimachinery.scheme import EVENTS_V1
from apimachinery.times import format_micro_time, parse_time
from client.errors import ConnectionFailed
from client.events import reference_to
from client.outbox import Outbox, insist
from client.rest import STRATEGIC, Client
from component_base.clock import now as real_now

log = logging.getLogger(__name__)

FINISH_SECONDS, REFRESH_SECONDS = 360.0, 1800.0

_SAME = ("type", "action", "reason", "reportingController", "reportingInstance", "regarding", "related")


class SeriesRecorder:
    """Records Events of one controller on one host. `run` sends them, without it none arrives."""

    def __init__(
        self, client: Client, controller: str, host: str, *, now: Callable[[], datetime] = real_now
    ) -> None:
        self._client = client
        self._reporting = {"reportingController": controller, "reportingInstance": f"{controller}-{host}"}
        self._now = now
        self._outbox = Outbox(self._record)
        self._known: dict[Hashable, Object] = {}

    def event(
        self, obj: Object, type: str, reason: str, action: str, note: str, *, related: Object | None = None
    ) -> None:
        """Says that `action` was tried with an object, and what came of it."""
        moment, regarding = self._now(), reference_to(obj)
        event: Object = {
            "apiVersion": EVENTS_V1.api_version,
            "kind": EVENTS_V1.kind,
            "metadata": {
                "name": f"{regarding.get('name', '')}.{self._outbox.number(moment):x}",
                "namespace": regarding.get("namespace") or "default",
            },
            "eventTime": format_micro_time(moment),
            **self._reporting,
            "action": action,
            "reason": reason,
            "regarding": regarding,
            "note": note,
            "type": type,
        }
        if related is not None:
            event["related"] = reference_to(related)
        self._outbox.put(event)

    async def run(self) -> None:
        """Sends what is recorded and keeps the series; never ends."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._outbox.run())
            group.create_task(self._every(FINISH_SECONDS, self._finish))
            group.create_task(self._every(REFRESH_SECONDS, self._refresh))

    async def drain(self) -> None:
        """Waits until everything recorded so far is sent or dropped."""
        await self._outbox.drain()

    async def _record(self, event: Object) -> None:
        key = _key(event)
        known = self._known.setdefault(key, event)
        if known is event:
            await self._write(event)
            return
        begins = "series" not in known
        count = 2 if begins else known["series"]["count"] + 1
        known["series"] = {"count": count, "lastObservedTime": format_micro_time(self._now())}
        if begins:
            await self._write(known)

    async def _write(self, event: Object) -> None:
        await insist(partial(self._send, copy.copy(event)), event["reason"])

    async def _send(self, event: Object) -> Object:
        """A series is written onto its Event, or as one of its own where that has expired."""
        if "series" in event:
            patch, namespace = {"series": event["series"]}, namespace_of(event)
            try:
                return await self._client.patch(
                    EVENTS_V1, name_of(event), patch, namespace, patch_type=STRATEGIC
                )
            except NotFoundError:
                log.debug("Event has expired, creating it again: name=%s", name_of(event))
        try:
            return await self._client.create(EVENTS_V1, event)
        except AlreadyExistsError:  # an earlier try arrived, only its answer didn't
            return event

    async def _every(self, seconds: float, look: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            await look()

    async def _refresh(self) -> None:
        """Writes all series: what nobody writes expires."""
        for event in list(self._known.values()):
            await self._answered(event)

    async def _finish(self) -> None:
        """Forgets what was not seen for a while, a series once its last count has been written.

        A series that could not be written is kept until the next look, and so is one that goes on meanwhile.
        """
        limit = self._now() - timedelta(seconds=FINISH_SECONDS)
        ended = [(key, event) for key, event in self._known.items() if _last_seen(event) < limit]
        for key, event in ended:
            if await self._answered(event) and _last_seen(event) < limit:
                del self._known[key]

    async def _answered(self, event: Object) -> bool:
        """Writes a series, once. False if the server could not be reached; a refusal is an answer, too."""
        try:
            if "series" in event:
                await self._send(copy.copy(event))
        except ConnectionFailed as error:
            log.info("Series not written, will retry: name=%s error=%s", name_of(event), error)
            return False
        except StatusError as error:
            log.info("Series refused: name=%s error=%s", name_of(event), error)
        return True


def _last_seen(event: Object) -> datetime:
    return parse_time(event["series"]["lastObservedTime"] if "series" in event else event["eventTime"])


def _key(event: Object) -> Hashable:
    return tuple(str(event.get(name)) for name in _SAME)
