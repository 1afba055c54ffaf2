"""The audit log as a file of lines that starts anew when it is large; old files go by number and age.

Names and rules are those of the library that upstream uses (gopkg.in/natefinch/lumberjack.v2).
"""

from __future__ import annotations

import asyncio
import gzip
import logging
import os
import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import orjson

from apimachinery.objects import Object
from apiserver.audit.lines import event_line
from apiserver.audit.metrics import report_loss
from apiserver.audit.sink import Events
from apiserver.config_files import ConfigError

log = logging.getLogger(__name__)

STDOUT = "-"
_DEFAULT_MEGABYTES = 100
_STAMP = "%Y-%m-%dT%H-%M-%S"
_STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?=\.\d{3}(\.|$))")
_COMPRESSED = ".gz"
_PLUGIN = "log"

Encode = Callable[[Object], bytes]
"""An event as a line."""


def json_line(event: Object) -> bytes:
    return orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE)


def legacy_line(event: Object) -> bytes:
    return event_line(event).encode() + b"\n"


class LogFile:
    """`max_age` in days, `max_backups` and `max_size` in megabytes as the flags have them; 0: no limit."""

    def __init__(
        self,
        path: str,
        *,
        max_age: int,
        max_backups: int,
        max_size: int,
        now: Callable[[], datetime],
        compress: bool = False,
        encode: Encode = json_line,
    ) -> None:
        """Raises ConfigError."""
        self._path = Path(path)
        self._max_age = max_age
        self._max_backups = max_backups
        self._max_bytes = (max_size or _DEFAULT_MEGABYTES) * 1024 * 1024
        self._now = now
        self._compress = compress
        self._encode = encode
        self._rotated = asyncio.Event()
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

    async def process(self, events: Events) -> bool:
        """A line for each."""
        written = [self._write(each) for each in events]
        return all(written)

    def _write(self, event: Object) -> bool:
        line = self._encode(event)
        try:
            self._make_room(len(line))
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            report_loss(_PLUGIN, f"{self._path}: {error}", [event])
            return False
        self._size += len(line)
        return True

    def _make_room(self, size: int) -> None:
        if self._file.closed:  # it could not start anew the last time
            self._file = self._open()
        if str(self._path) != STDOUT and self._size and self._size + size > self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        self._file.close()
        now = self._now().astimezone(UTC)
        stamp = f"{now.strftime(_STAMP)}.{now.microsecond // 1000:03}"
        self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
        self._file = self._open()
        self._rotated.set()

    async def run(self) -> None:
        """Tidies up, beside what is written."""
        while True:
            await self._rotated.wait()
            await self._tidy()

    async def _tidy(self) -> None:
        self._rotated.clear()
        try:
            for old in obsolete(self.backups(), self._max_backups, self._max_age, self._now()):
                old.unlink(missing_ok=True)
            if self._compress:
                await asyncio.to_thread(compress_all, self.backups())
        except OSError as error:
            log.error("Failed to tidy up old audit logs: path=%s err=%s", self._path, error)

    async def aclose(self) -> None:
        if self._rotated.is_set():
            await self._tidy()
        if str(self._path) != STDOUT:
            self._file.close()

    def backups(self) -> list[Path]:
        """Oldest first."""
        pattern = f"{self._path.stem}-????-??-??T??-??-??.???{self._path.suffix}"
        found = (self._path.parent.glob(pattern + ending) for ending in ("", _COMPRESSED))
        return sorted(path for paths in found for path in paths)


def obsolete(backups: list[Path], max_backups: int, max_age: int, now: datetime) -> list[Path]:
    """Which of the files (oldest first) have to go: too many, or too old by their names."""
    surplus = backups[:-max_backups] if max_backups else []
    if not max_age:
        return surplus
    limit = (now.astimezone(UTC) - timedelta(days=max_age)).strftime(_STAMP)
    return [each for each in backups if each in surplus or _stamp_of(each) < limit]


def _stamp_of(backup: Path) -> str:
    found = _STAMPED.search(backup.name)
    return found[0] if found else ""


def compress_all(backups: list[Path]) -> None:
    """Those that are not yet."""
    for each in backups:
        if each.suffix == _COMPRESSED:
            continue
        whole, part = each.with_name(each.name + _COMPRESSED), each.with_name(each.name + ".part")
        with each.open("rb") as plain, gzip.open(part, "wb") as packed:
            shutil.copyfileobj(plain, packed)
        part.rename(whole)
        each.unlink()
