"""Whether and how a request is recorded: the policy and the sink together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apiserver.asgi import Scope
from apiserver.audit.backends import build_sink
from apiserver.audit.metrics import LEVELS
from apiserver.audit.options import AuditOptions
from apiserver.audit.policy import LEVEL_NAMES, Level, Policy, load_policy
from apiserver.audit.record import Record
from apiserver.audit.sink import Sink
from apiserver.request import RequestInfo


class Auditor:
    def __init__(self, policy: Policy, sink: Sink, now: Callable[[], datetime]) -> None:
        self._policy = policy
        self._sink = sink
        self.run, self.aclose = sink.run, sink.aclose
        self._now = now

    def begin(self, info: RequestInfo, scope: Scope) -> Record | None:
        """The record of a request, if the policy wants one."""
        extent = self._policy.extent_of(info)
        LEVELS.labels(LEVEL_NAMES[extent.level]).inc()
        return None if extent.level is Level.NONE else Record(info, scope, extent, self._sink, self._now)


def build_auditor(options: AuditOptions, now: Callable[[], datetime]) -> Auditor | None:
    """None unless there are both a policy and a place to write to. Raises ConfigError."""
    if not options.audit_policy_file:
        return None
    sink = build_sink(options, now)
    return None if sink is None else Auditor(load_policy(options.audit_policy_file), sink, now)
