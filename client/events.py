"""Events for users: recorded at once, sent in the background, counted up instead of repeated.

Losing an Event never hurts the one who records it. What is news and what is a repetition says `correlator`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from apimachinery.errors import AlreadyExistsError, NotFoundError
from apimachinery.objects import Object, name_of, namespace_of, resource_version_of, uid_of
from apimachinery.scheme import EVENTS
from apimachinery.times import format_time
from client.correlator import Correlator, Known
from client.outbox import Outbox, insist
from client.rest import STRATEGIC, Client
from component_base.clock import now as real_now
from component_base.token_bucket import TokenBucket

log = logging.getLogger(__name__)

MAX_MESSAGE = 1024

NORMAL, WARNING = "Normal", "Warning"


class EventRecorder:
    """Records Events of one component. `run` sends them and has to be running for anything to arrive."""

    def __init__(
        self,
        client: Client,
        component: str,
        host: str | None = None,
        *,
        now: Callable[[], datetime] = real_now,
        limit: TokenBucket | None = None,
    ) -> None:
        """`limit`: how often Events are sent; those that have to wait are kept."""
        self._client = client
        self._source = {"component": component, **({"host": host} if host else {})}
        self._now = now
        self._limit = limit
        self._outbox = Outbox(self._record)
        self._correlator = Correlator()

    def event(
        self,
        obj: Object,
        type: str,
        reason: str,
        message: str,
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """Says that something happened to an object (or to an ObjectReference)."""
        moment = self._now()
        event = new_event(
            reference_to(obj),
            type,
            reason,
            message[:MAX_MESSAGE],
            self._source,
            moment,
            self._outbox.number(moment),
        )
        if annotations:
            event["metadata"]["annotations"] = dict(annotations)
        self._outbox.put(event)

    async def run(self) -> None:
        """Sends what is recorded; never ends."""
        await self._outbox.run()

    async def drain(self) -> None:
        """Waits until everything recorded so far is sent or dropped."""
        await self._outbox.drain()

    async def _record(self, event: Object) -> None:
        verdict = self._correlator.correlate(event)
        if verdict is None:
            return
        sent = await insist(partial(self._send, verdict.event, verdict.known), event["reason"])
        if sent is not None:
            self._correlator.sent(verdict, sent)

    async def _send(self, event: Object, known: Known | None) -> Object:
        if self._limit is not None:
            await self._limit.take()
        if known is not None:
            patch = {key: event[key] for key in ("count", "lastTimestamp", "message")}
            try:
                return await self._client.patch(
                    EVENTS, known.name, patch, namespace_of(event), patch_type=STRATEGIC
                )
            except NotFoundError:
                log.debug("Event has expired, creating it again: name=%s", known.name)
        try:
            return await self._client.create(EVENTS, event)
        except AlreadyExistsError:  # an earlier try arrived, only its answer didn't
            return event


def reference_to(obj: Object) -> Object:
    """The ObjectReference of an object; a reference (which has no metadata) is taken as it is."""
    if "metadata" not in obj:
        return obj
    reference = {
        "kind": obj.get("kind"),
        "namespace": namespace_of(obj),
        "name": name_of(obj),
        "uid": uid_of(obj),
        "apiVersion": obj.get("apiVersion"),
        "resourceVersion": resource_version_of(obj),
    }
    return {key: value for key, value in reference.items() if value}


def new_event(
    reference: Object, type: str, reason: str, message: str, source: Object, moment: datetime, number: int
) -> Object:
    """A core/v1 Event that happened once, at `moment`; `number` makes its name unique."""
    timestamp = format_time(moment)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{reference.get('name', '')}.{number:x}",
            "namespace": reference.get("namespace") or "default",
        },
        "involvedObject": reference,
        "reason": reason,
        "message": message,
        "source": source,
        "firstTimestamp": timestamp,
        "lastTimestamp": timestamp,
        "count": 1,
        "type": type,
        "eventTime": None,
        "reportingComponent": source["component"],
        "reportingInstance": source.get("host", ""),
    }
