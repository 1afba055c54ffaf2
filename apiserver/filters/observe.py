"""Sees every request end: counts it, notes writes in the journal with the trace they belong to."""

from __future__ import annotations

from random import getrandbits
from time import perf_counter

from apimachinery.errors import StatusError
from apimachinery.uids import uid_of
from apiserver import waiting
from apiserver.asgi import App, Message, Receive, Scope, Send
from apiserver.filters.request_info import KEY, is_long_running
from apiserver.journal import WRITES, Journal
from apiserver.metrics import RequestMetrics
from apiserver.request import DEPRECATED, RequestInfo
from component_base import tracing

_READS = ("get", "list")
"""What is sent to them is measured."""


class Observe:
    """Knows when a request began, and its status once its answer begins."""

    def __init__(self, app: App, metrics: RequestMetrics, journal: Journal) -> None:
        self._app = app
        self._metrics = metrics
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        info: RequestInfo | None = scope.get(KEY)
        if info is None:
            return await self._app(scope, receive, send)
        _read_trace(info)
        info.audit_id = info.headers.get("audit-id") or uid_of(getrandbits(128))
        identity = (b"audit-id", info.audit_id.encode("latin-1"))

        async def noting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                info.status = message["status"]
                message["headers"] = [identity, *info.flow_headers, *message["headers"]]
            elif message["type"] == "http.response.body":
                info.sent += len(message.get("body", b""))
            await send(message)

        began, waits = perf_counter(), waiting.begin()
        try:
            if is_long_running(info):
                with self._metrics.series(info).running():
                    await self._app(scope, receive, noting_send)
            else:
                await self._app(scope, receive, noting_send)
        except StatusError:  # too late for an answer: another one is under way
            self._metrics.series(info).aborts += 1
            raise
        finally:
            self._note(info, perf_counter() - began, waits.seconds)

    def _note(self, info: RequestInfo, seconds: float, waited: float) -> None:
        series, code = self._metrics.series(info), info.status or 500
        series.observe(code, seconds, waited)
        if info.verb in _READS:
            series.sizes.observe(info.sent)
        elif info.received is not None:
            series.received.observe(info.received)
        if DEPRECATED in info.annotations:
            series.is_deprecated = True
        if info.was_terminated:
            series.terminate(code)
        if _has_written(info):
            self._journal.record(info, seconds)


def _has_written(info: RequestInfo) -> bool:
    """Reviews store nothing, and dry runs do not either."""
    succeeded = info.verb in WRITES and info.status < 400
    return succeeded and info.revision > 0 and "dryRun" not in info.query


def _read_trace(info: RequestInfo) -> None:
    traceparent = info.headers.get("traceparent")
    if traceparent:
        trace = tracing.from_headers(traceparent, info.headers.get("tracestate", ""))
        if trace is not None:
            info.trace_id, info.causes, info.actor = trace.trace_id, trace.causes, trace.actor
