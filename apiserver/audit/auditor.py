"""Whether and how a request is recorded: the policy and the sink together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from apiserver.asgi import Scope
from apiserver.audit.log_file import LogFile
from apiserver.audit.policy import Level, Policy, parse_policy
from apiserver.audit.record import Record, Sink
from apiserver.config_files import read_file
from apiserver.options import Options
from apiserver.request import RequestInfo


class Auditor:
    def __init__(self, policy: Policy, sink: Sink, now: Callable[[], datetime]) -> None:
        self._policy = policy
        self._sink = sink
        self.close = sink.close
        self._now = now

    def begin(self, info: RequestInfo, scope: Scope) -> Record | None:
        """The record of a request, if the policy wants one."""
        extent = self._policy.extent_of(info)
        return None if extent.level is Level.NONE else Record(info, scope, extent, self._sink, self._now)


def build_auditor(options: Options, now: Callable[[], datetime]) -> Auditor | None:
    """None unless there are both a policy and a place to write to. Raises ConfigError."""
    if not (options.audit_policy_file and options.audit_log_path):
        return None
    sink = LogFile(
        options.audit_log_path,
        max_age=options.audit_log_maxage,
        max_backups=options.audit_log_maxbackup,
        max_size=options.audit_log_maxsize,
        now=now,
    )
    return Auditor(parse_policy(read_file(options.audit_policy_file)), sink, now)
