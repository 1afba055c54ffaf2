"""When the node last shut down in good order: kept in a file, so that it is known after the reboot.

Source: pkg/kubelet/nodeshutdown/storage.go of Kubernetes 1.34.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from apimachinery.times import format_time, parse_time
from kubelet.metrics import SHUTDOWN_END, SHUTDOWN_START

log = logging.getLogger(__name__)

FILE = "graceful_node_shutdown_state"
NEVER = datetime(1, 1, 1, tzinfo=UTC)
"""Go's zero time."""


class ShutdownRecord:
    def __init__(self, folder: Path, now: Callable[[], datetime]) -> None:
        self._path = folder / FILE
        self._now = now
        self._start = self._end = NEVER

    def load(self) -> None:
        """What is in the file, to Prometheus."""
        try:
            state = orjson.loads(self._path.read_bytes())
            self._start, self._end = parse_time(state["startTime"]), parse_time(state["endTime"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("Failed to load graceful shutdown state: error=%s", error)
        self._tell()

    def begin(self) -> None:
        self._start, self._end = self._now(), NEVER
        self._save()

    def end(self) -> None:
        self._end = self._now()
        self._save()

    def _save(self) -> None:
        self._tell()
        state = {"startTime": format_time(self._start), "endTime": format_time(self._end)}
        temporary = self._path.with_name(f".tmp-{FILE}")
        try:
            with open(temporary, "wb") as file:
                file.write(orjson.dumps(state))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except OSError as error:
            log.error("Failed to store graceful shutdown state: error=%s", error)

    def _tell(self) -> None:
        SHUTDOWN_START.set(_seconds(self._start))
        SHUTDOWN_END.set(_seconds(self._end))


def _seconds(moment: datetime) -> int:
    return 0 if moment == NEVER else int(moment.timestamp())
