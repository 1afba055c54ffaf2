"""What is counted about auditing, with upstream's names.

Source: pkg/audit/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

import logging

from apiserver.audit.lines import event_line
from apiserver.audit.sink import Events
from component_base.metrics import Counter

log = logging.getLogger(__name__)

EVENTS = Counter(
    "apiserver_audit_event_total", "Counter of audit events generated and sent to the audit backend."
)
LEVELS = Counter(
    "apiserver_audit_level_total", "Counter of policy levels for audit events (1 per request).", ["level"]
)
REJECTED = Counter(
    "apiserver_audit_requests_rejected_total",
    "Counter of apiserver requests rejected due to an error in audit logging backend.",
)
_ERRORS = Counter(
    "apiserver_audit_error_total",
    "Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by "
    "the error.",
    ["plugin"],
)


def report_loss(plugin: str, why: str, events: Events) -> None:
    """Of events that may not have been kept: the daemon's own log is where they are still told."""
    _ERRORS.labels(plugin).inc(len(events))
    lines = "\n".join(event_line(each) for each in events)
    log.error("Failed to audit: plugin=%s events=%d err=%s\n%s", plugin, len(events), why, lines)
