"""Events for users: recorded at once, sent in the background, counted up instead of repeated.

Losing an Event never hurts the one who records it. What is news and what is a repetition says `correlator`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from apimachinery.errors import AlreadyExistsError, NotFoundError, StatusError
from apimachinery.objects import Object, name_of, namespace_of, resource_version_of, uid_of
from apimachinery.scheme import EVENTS
from apimachinery.times import format_time
from client.correlator import Correlator, Known
from client.errors import ConnectionFailed, is_namespace_terminating
from client.rest import STRATEGIC, Client
from component_base import tracing
from component_base.backoff import exponential
from component_base.clock import now as real_now

log = logging.getLogger(__name__)

QUEUE_LENGTH = 1000
MAX_TRIES = 12
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.5, 10.0
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
    ) -> None:
        self._client = client
        self._source = {"component": component, **({"host": host} if host else {})}
        self._now = now
        self._queue: asyncio.Queue[tuple[Object, tracing.Trace | None]] = asyncio.Queue(QUEUE_LENGTH)
        self._correlator = Correlator()
        self._last_name = 0

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
        # The name is the time, as upstream's; two Events of the same microsecond must not share it.
        self._last_name = max(self._last_name + 1, int(moment.timestamp() * 1_000_000) * 1000)
        event = new_event(
            reference_to(obj), type, reason, message[:MAX_MESSAGE], self._source, moment, self._last_name
        )
        if annotations:
            event["metadata"]["annotations"] = dict(annotations)
        try:
            self._queue.put_nowait((event, tracing.current()))
        except asyncio.QueueFull:
            log.warning("Dropped event, too many are waiting: reason=%s message=%s", reason, message)

    async def run(self) -> None:
        """Sends what is recorded; never ends."""
        while True:
            event, trace = await self._queue.get()
            try:
                with tracing.span(trace):
                    await self._record(event)
            except StatusError as error:
                level = logging.DEBUG if is_namespace_terminating(error) else logging.WARNING
                log.log(level, "Event refused: reason=%s error=%s", event["reason"], error)
            finally:
                self._queue.task_done()

    async def drain(self) -> None:
        """Waits until everything recorded so far is sent or dropped."""
        await self._queue.join()

    async def _record(self, event: Object) -> None:
        verdict = self._correlator.correlate(event)
        if verdict is None:
            return
        for attempt in range(MAX_TRIES):
            try:
                sent = await self._send(verdict.event, verdict.known)
            except ConnectionFailed as error:
                log.info("Event not sent, will retry: reason=%s error=%s", event["reason"], error)
                await asyncio.sleep(exponential(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS, attempt))
            else:
                self._correlator.sent(verdict, sent)
                return

    async def _send(self, event: Object, known: Known | None) -> Object:
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
