"""Log lines as klog writes them, or JSON. Fields of the work at hand come from a ContextVar, not calls."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from functools import partial

import orjson

_fields: ContextVar[Mapping[str, str]] = ContextVar("log_fields", default={})  # noqa: B039  (never changed in place)

_LETTERS = {
    logging.DEBUG: "I",
    logging.INFO: "I",
    logging.WARNING: "W",
    logging.ERROR: "E",
    logging.CRITICAL: "F",
}
_DEBUG_FROM = 4
"""From this verbosity on, lines that say why nothing was done are written, too."""


@contextmanager
def log_fields(**values: object) -> Iterator[None]:
    """Adds fields to every line logged inside."""
    token = _fields.set({**_fields.get(), **{key: str(value) for key, value in values.items()}})
    try:
        yield
    finally:
        _fields.reset(token)


def set_up(verbosity: int = 0, format: str = "text", modules: Sequence[tuple[str, int]] = ()) -> None:
    """Sends all logging to standard error. Warnings of the standard library go there, too.

    `modules`: patterns of files that have a verbosity of their own, if that is higher.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format == "json" else KlogFormatter())
    logging.getLogger().handlers[:] = [handler]
    set_verbosity(verbosity)
    talkative = [pattern for pattern, own in modules if own >= _DEBUG_FROM]
    if talkative and verbosity < _DEBUG_FROM:
        set_verbosity(_DEBUG_FROM)
        handler.addFilter(partial(_is_wanted, talkative))
    for chatty in (
        "asyncio",
        "httpx",
        "httpcore",
        "urllib3",
        "docker",
        "websockets",
        "uvicorn.access",
        "pyroute2",
    ):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _is_wanted(talkative: Sequence[str], record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or any(fnmatchcase(record.module, each) for each in talkative)


def set_verbosity(verbosity: int) -> None:
    logging.getLogger().setLevel(logging.DEBUG if verbosity >= _DEBUG_FROM else logging.INFO)


class KlogFormatter(logging.Formatter):
    """`I0915 20:45:27.096095      23 module.py:221] message key="value"`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.localtime(record.created)
        micros = int(record.created % 1 * 1_000_000)
        letter = _LETTERS.get(record.levelno, "I")
        header = (
            f"{letter}{moment.tm_mon:02d}{moment.tm_mday:02d} "
            f"{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}.{micros:06d} "
            f"{os.getpid():7d} {record.filename}:{record.lineno}] "
        )
        tail = "".join(f' {key}="{value}"' for key, value in _fields.get().items())
        text = f"{header}{record.getMessage()}{tail}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class JsonFormatter(logging.Formatter):
    """One object a line, with upstream's keys: ts in milliseconds, caller, msg, v or err."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "ts": round(record.created * 1000, 3),
            "caller": f"{record.filename}:{record.lineno}",
            "msg": record.getMessage(),
            **_fields.get(),
        }
        if record.levelno >= logging.ERROR:
            line["err"] = self.formatException(record.exc_info) if record.exc_info else line["msg"]
        else:
            line["v"] = _DEBUG_FROM if record.levelno < logging.INFO else 0
        return orjson.dumps(line).decode()
