"""The life of a daemon process: loop, logs, signals, readiness. What the daemon does is not known here."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator

from apimachinery.decoding import DecodeError
from component_base import logs, metrics
from component_base.config_file import read_document
from component_base.explained import ExplainedError
from component_base.flags import CommonOptions
from component_base.health_checks import Check
from component_base.metric_filters import filters_of, metrics_problem
from component_base.version import version_info

log = logging.getLogger(__name__)

_GC_THRESHOLDS = (20_000, 20, 50)
"""Most garbage here has no cycles; a rarer collection saves CPU and costs next to no memory."""


class Daemon:
    """What a daemon's main gets: its name, and the means to tell the world that it is ready and well."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_ready = False
        self.checks: dict[str, Check] = {}
        """What its health endpoint and systemd's watchdog ask, beside whether it answers at all."""

    def ready(self) -> None:
        """Says so to systemd, and takes what lives forever out of the garbage collector's sight."""
        if self.is_ready:
            return
        self.is_ready = True
        gc.collect()
        gc.freeze()
        notify("READY=1")
        log.info("Daemon is ready: name=%s", self.name)


Main = Callable[[Daemon], Awaitable[None]]


def run_daemon(name: str, main: Main, options: CommonOptions | None = None) -> None:
    """Runs `main` until it ends or a signal cancels it; a second signal forces the exit. Never returns."""
    options = options or CommonOptions()
    if problem := metrics_problem(options):
        sys.exit(f"Error: {problem}")
    logs.set_up(options.v, options.logging_format, options.vmodule)
    if options.unused:
        log.warning("Flags that change nothing here: flags=%s", ",".join(options.unused))
    metrics.tell_version(version_info())
    metrics.EXPOSITION.restrict(filters_of(options, _manifest))
    gc.set_threshold(*_GC_THRESHOLDS)
    sys.exit(_run(Daemon(name), main))


def _manifest(path: str) -> dict[str, str]:
    """A map in YAML; nothing of what is none, as upstream has it."""
    try:
        read = read_document(path) or {}
    except (OSError, DecodeError) as error:
        log.error("Failed to read allow list manifest: error=%s", error)
        return {}
    return {str(key): str(value) for key, value in read.items()} if isinstance(read, dict) else {}


def _run(daemon: Daemon, main: Main) -> int:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(_main_until_signal(daemon, main))
        except Exception as error:
            failures = list(_singly(error))
            if all(isinstance(each, ExplainedError) for each in failures):
                print(*(f"Error: {each}" for each in failures), sep="\n", file=sys.stderr)
            else:
                log.exception("Daemon failed: name=%s", daemon.name)
            return 1
    return 0


def _singly(error: Exception) -> Iterator[Exception]:
    """Of a group, whatever is in it."""
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            yield from _singly(each)
    else:
        yield error


async def _main_until_signal(daemon: Daemon, main: Main) -> None:
    task = asyncio.ensure_future(main(daemon))
    asked = cancel_on_signals(task)
    try:
        await task
    except asyncio.CancelledError:
        if not asked.is_set():
            raise
        log.info("Daemon stopped: name=%s", daemon.name)


def cancel_on_signals(task: asyncio.Future[None]) -> asyncio.Event:
    """SIGTERM and SIGINT cancel the task, the second one ends the process. The event says that one came."""
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        if asked.is_set():
            os._exit(1)
        asked.set()
        notify("STOPPING=1")
        log.info("Stopping on signal: signal=%s", number.name)
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return asked


def notify(message: str) -> None:
    """Tells systemd, if it started us and wants to know (sd_notify)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(message.encode(), address)
