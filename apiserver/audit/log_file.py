"""The audit log as a file of JSON lines that starts anew when it is large; old files go by number and age.

Names and rules are those of the library that upstream uses (gopkg.in/natefinch/lumberjack.v2).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import orjson

from apimachinery.objects import Object
from apiserver.config_files import ConfigError

log = logging.getLogger(__name__)

STDOUT = "-"
_DEFAULT_MEGABYTES = 100
_STAMP = "%Y-%m-%dT%H-%M-%S"
_STAMP_LENGTH = len("2026-11-29T12-00-00.000")


class LogFile:
    """`max_age` in days, `max_backups` and `max_size` in megabytes as the flags have them; 0: no limit."""

    def __init__(
        self, path: str, *, max_age: int, max_backups: int, max_size: int, now: Callable[[], datetime]
    ) -> None:
        """Raises ConfigError."""
        self._path = Path(path)
        self._max_age = max_age
        self._max_backups = max_backups
        self._max_bytes = (max_size or _DEFAULT_MEGABYTES) * 1024 * 1024
        self._now = now
        try:
            self._file = self._open()
        except OSError as error:
            raise ConfigError(f"failed to open the audit log {path!r}: {error.strerror}") from None

    def _open(self) -> BinaryIO:
        if str(self._path) == STDOUT:
            self._size = 0
            return sys.stdout.buffer
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(descriptor).st_size
        return open(descriptor, "ab", buffering=0)

    def process(self, event: Object) -> None:
        """One line. A log that cannot be written is told of and keeps nobody from being served."""
        line = orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)
        try:
            if str(self._path) != STDOUT and self._size and self._size + len(line) > self._max_bytes:
                self._rotate()
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            log.error("Failed to write the audit log: path=%s err=%s", self._path, error)
        self._size += len(line)

    def _rotate(self) -> None:
        self._file.close()
        now = self._now().astimezone(UTC)
        stamp = f"{now.strftime(_STAMP)}.{now.microsecond // 1000:03}"
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        self._file = self._open()
        for old in obsolete(self.backups(), self._max_backups, self._max_age, now):
            old.unlink(missing_ok=True)

    def close(self) -> None:
        if str(self._path) != STDOUT:
            self._file.close()

    def backups(self) -> list[Path]:
        """Oldest first."""
        pattern = f"{self._path.stem}-????-??-??T??-??-??.???{self._path.suffix}"
        return sorted(self._path.parent.glob(pattern))


def obsolete(backups: list[Path], max_backups: int, max_age: int, now: datetime) -> list[Path]:
    """Which of the files (oldest first) have to go: too many, or too old by their names."""
    surplus = backups[:-max_backups] if max_backups else []
    if not max_age:
        return surplus
    limit = (now - timedelta(days=max_age)).strftime(_STAMP)
    return [each for each in backups if each in surplus or each.stem[-_STAMP_LENGTH:] < limit]
