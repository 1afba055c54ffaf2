"""Counters whose names do not end in `_total`, which the library takes for gauges. Pure."""

from __future__ import annotations

import re

COUNTERS = (
    "apiserver_admission_webhook_fail_open_count", "apiserver_admission_webhook_rejection_count",
    "authenticated_user_requests", "authentication_attempts",
    "kubelet_certificate_manager_client_expiration_renew_errors", "kubelet_evictions", "kubelet_preemptions",
    "kubelet_server_expiration_renew_errors",
)  # fmt: skip
"""Upstream's names."""
_TYPE_LINE = re.compile(rf"^# TYPE ({'|'.join(COUNTERS)}) gauge$".encode(), re.M)


def with_types(text: bytes) -> bytes:
    """A text that the library made, with the types that metrics have."""
    return _TYPE_LINE.sub(rb"# TYPE \1 counter", text)
