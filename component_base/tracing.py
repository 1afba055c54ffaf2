"""Causes: the W3C trace context that every request carries, who acts, and the revisions that made it act.

A span is made per reconcile (`new_span`) and rides on each request sent meanwhile: `traceparent` names it,
and `tracestate: sampan=<actor>:<rv>.<rv>` says which part of a daemon it is and lists the resourceVersions
that triggered it. Nothing is exported.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

MAX_CAUSES = 16
"""A tracestate entry holds 256 characters at most; the newest causes are kept."""

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}.*")


@dataclass(frozen=True, slots=True)
class Trace:
    """One span: whose request this is, and why it is sent."""

    trace_id: str
    span_id: str
    causes: tuple[str, ...] = ()
    actor: str = ""
    """Which part of the daemon acts, where there are several: a controller's name."""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-01"

    @property
    def tracestate(self) -> str:
        actor = f"{self.actor}:" if self.actor else ""
        return f"sampan={actor}{'.'.join(self.causes)}" if actor or self.causes else ""


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current() -> Trace | None:
    """The span of the work at hand."""
    return _current.get()


def new_span(causes: Iterable[str] = (), *, actor: str = "", parent: Trace | None = None) -> Trace:
    """A span of its own trace, or of the parent's."""
    trace_id = parent.trace_id if parent else os.urandom(16).hex()
    return Trace(trace_id, os.urandom(8).hex(), tuple(causes)[-MAX_CAUSES:], actor)


@contextmanager
def span(trace: Trace | None) -> Iterator[Trace | None]:
    """Makes `trace` the current span inside."""
    token = _current.set(trace)
    try:
        yield trace
    finally:
        _current.reset(token)


def to_headers(trace: Trace | None) -> dict[str, str]:
    """The request headers of a span."""
    if trace is None:
        return {}
    headers = {"traceparent": trace.traceparent}
    if trace.tracestate:
        headers["tracestate"] = trace.tracestate
    return headers


def from_headers(traceparent: str, tracestate: str = "") -> Trace | None:
    """The span a request came with, or None if the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or set(match[1]) == {"0"} or set(match[2]) == {"0"}:
        return None
    actor, causes = _state(tracestate)
    return Trace(match[1], match[2], causes, actor)


def _state(tracestate: str) -> tuple[str, tuple[str, ...]]:
    """The actor and the causes."""
    for entry in tracestate.split(","):
        vendor, _, value = entry.strip().partition("=")
        if vendor == "sampan":
            actor, _, causes = value.rpartition(":")
            return actor, tuple(causes.split(".")) if causes else ()
    return "", ()
