"""The kernel's log, read for one thing: which containers it killed for want of memory.

Docker learns of it from an event that may come after the container's end, and then never tells. The kernel
writes its line before it kills, so whoever reads after the end finds it.
"""

from __future__ import annotations

import logging
import os
import re
from collections import OrderedDict
from pathlib import Path

log = logging.getLogger(__name__)

KMSG = Path("/dev/kmsg")
_KILL = re.compile(rb"oom-kill:.*task_memcg=[^,]*?([0-9a-f]{64})")
_RECORD = 8192
_REMEMBERED = 1000


class OomLog:
    """Opened when it is first asked; where it may not be read, nothing is known."""

    def __init__(self, path: Path = KMSG) -> None:
        self._path = path
        self._descriptor = -1
        self._killed: OrderedDict[str, None] = OrderedDict()

    def has_killed(self, docker_id: str) -> bool:
        self._catch_up()
        return docker_id in self._killed

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def _catch_up(self) -> None:
        """Reads all there is; from /dev/kmsg one record a time."""
        if self._descriptor < 0 and not self._open():
            return
        while True:
            try:
                record = os.read(self._descriptor, _RECORD)
            except BrokenPipeError:  # some were overwritten before they were read
                continue
            except BlockingIOError:
                return
            if not record:
                return
            self._note(record)

    def _open(self) -> bool:
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            log.debug("The kernel's log can't be read: path=%s error=%s", self._path, error)
            return False
        return True

    def _note(self, record: bytes) -> None:
        for docker_id in _KILL.findall(record):
            self._killed[docker_id.decode()] = None
        while len(self._killed) > _REMEMBERED:
            self._killed.popitem(last=False)
