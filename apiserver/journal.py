"""The journal of writes: who made which revision, why, and how long it took.

One JSON line a write, kept in a ring for /debug/journal and appended to a file if there is one. The
file is written in batches by a thread, so that no request waits for a disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import orjson

from apimachinery.objects import Object
from apimachinery.times import format_micro_time
from apiserver.request import RequestInfo

log = logging.getLogger(__name__)

RING, QUIET_RING = 10_000, 1_000
QUIET = frozenset(("leases.coordination.k8s.io", "events", "events.events.k8s.io"))
"""Written all the time and the cause of nothing: kept apart, so that they don't drive out the rest."""
WRITES = frozenset(("create", "update", "patch", "delete", "deletecollection"))
_FLUSH_SECONDS = 0.2
FILE_LIMIT = 64 * 1024**2
"""A file that has grown so large is put aside, in place of the one before it."""


class Record(NamedTuple):
    """One write, as small as it can be kept; the JSON is made when it is read."""

    moment: datetime
    revision: int
    verb: str
    resource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    trace: str
    actor: str
    causes: tuple[str, ...]
    code: int
    milliseconds: float
    annotations: dict[str, str]

    def to_object(self) -> Object:
        told: Object = {
            "time": format_micro_time(self.moment),
            "revision": self.revision,
            "verb": self.verb,
            "resource": self.resource,
            "namespace": self.namespace,
            "name": self.name,
            "user": self.user,
            "userAgent": self.user_agent,
            "trace": self.trace,
            "actor": self.actor,
            "causes": list(self.causes),
            "code": self.code,
            "milliseconds": round(self.milliseconds, 3),
        }
        return {**told, "annotations": self.annotations} if self.annotations else told


class Journal:
    """The ring and, if there is a path, the file."""

    def __init__(
        self, now: Callable[[], datetime], path: Path | None = None, *, file_limit: int = FILE_LIMIT
    ) -> None:
        self._now = now
        self._path = path
        self._file_limit = file_limit
        self._ring: deque[Record] = deque(maxlen=RING)
        self._quiet: deque[Record] = deque(maxlen=QUIET_RING)
        self._unwritten: list[Record] = []
        self._wakeup = asyncio.Event()

    def record(self, info: RequestInfo, seconds: float) -> None:
        """Notes a write that succeeded."""
        plural = f"{info.plural}/{info.subresource}" if info.subresource else info.plural
        record = Record(
            self._now(), info.revision, info.verb, f"{plural}.{info.group}" if info.group else plural,
            info.namespace, info.name, info.user.name, info.user_agent, info.trace_id, info.actor,
            info.causes, info.status, seconds * 1000, info.annotations,
        )  # fmt: skip
        (self._quiet if record.resource in QUIET else self._ring).append(record)
        if self._path is not None:
            self._unwritten.append(record)
            self._wakeup.set()

    def records(
        self, *, since: int = 0, resource: str = "", namespace: str = "", name: str = ""
    ) -> list[Object]:
        """What is held of revisions from `since` on, oldest first; what is quiet after all else."""
        return [
            each.to_object()
            for each in chain(self._ring, self._quiet)
            if each.revision >= since
            and resource in ("", each.resource)
            and namespace in ("", each.namespace)
            and name in ("", each.name)
        ]

    async def run(self) -> None:
        """Writes the file until cancelled; what is left is written then, after what is being written."""
        writing: asyncio.Future[None] | None = None
        try:
            while True:
                await self._wakeup.wait()
                # Gathers what arrives together into one write; nothing waits for it.
                await asyncio.sleep(_FLUSH_SECONDS)
                work = asyncio.to_thread(_append, self._path, self._take(), self._file_limit)
                writing = asyncio.ensure_future(work)
                await asyncio.shield(writing)
        finally:
            if writing is not None:
                await writing
            _append(self._path, self._take(), self._file_limit)

    def _take(self) -> list[Record]:
        self._wakeup.clear()
        batch, self._unwritten = self._unwritten, []
        return batch


def _append(path: Path | None, batch: list[Record], limit: int) -> None:
    if not batch or path is None:
        return
    lines = b"".join(orjson.dumps(each.to_object()) + b"\n" for each in batch)
    try:
        with path.open("ab") as file:
            file.write(lines)
            size = file.tell()
        if size > limit:
            path.replace(path.with_name(f"{path.name}.1"))
    except OSError:
        log.warning("Lost journal lines: path=%s lines=%d", path, len(batch), exc_info=True)
