"""Flags about auditing that cannot be, in upstream's words; and events as lines."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.audit.lines import event_line
from apiserver.audit.options import AuditOptions, audit_problem

LOG, WEBHOOK = {"audit_log_path": "-"}, {"audit_webhook_config_file": "f"}
MODES = '"batch,blocking,blocking-strict"'


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (LOG | WEBHOOK, ""),
        ({"audit_log_mode": "x"}, ""),
        (LOG | {"audit_log_mode": "x"}, f"invalid audit log mode x, allowed modes are {MODES}"),
        (WEBHOOK | {"audit_webhook_mode": ""}, f"invalid audit webhook mode , allowed modes are {MODES}"),
        (
            WEBHOOK | {"audit_webhook_batch_buffer_size": 0},
            "invalid audit batch webhook buffer size 0, must be a positive number",
        ),
        (WEBHOOK | {"audit_webhook_mode": "blocking", "audit_webhook_batch_buffer_size": 0}, ""),
        (
            WEBHOOK | {"audit_webhook_batch_throttle_qps": -1.5},
            "invalid audit batch webhook throttle QPS -1.5, must be a positive number",
        ),
        (LOG | {"audit_log_mode": "batch"}, ""),
        (
            LOG | {"audit_log_mode": "batch", "audit_log_batch_throttle_enable": True},
            "invalid audit batch log throttle QPS 0, must be a positive number",
        ),
        (
            LOG | {"audit_log_truncate_max_event_size": 0},
            "invalid audit truncate log max event size 0, must be a positive number",
        ),
        (
            LOG | {"audit_log_truncate_max_batch_size": 9},
            "invalid audit truncate log max batch size 9, must be greater than max event size (102400)",
        ),
        (
            LOG | {"audit_log_version": "audit.k8s.io/v1beta1"},
            'invalid group version, allowed versions are ["audit.k8s.io/v1"]',
        ),
        (
            LOG | {"audit_log_format": "xml"},
            'invalid audit log format xml, allowed formats are "legacy,json"',
        ),
        (LOG | {"audit_log_maxage": -1}, "--audit-log-maxage -1 can't be a negative number"),
    ],
)
def test_flags_are_judged_as_upstream_does(flags: dict[str, Any], problem: str) -> None:
    assert audit_problem(AuditOptions(**flags)) == problem


def test_an_event_as_a_line() -> None:
    event = {
        "auditID": "id", "stage": "RequestReceived", "verb": "get", "requestURI": "/apis?a=\"b\"",
        "user": {"username": "jane", "groups": ["a", "b"]}, "sourceIPs": ["10.0.0.1", "10.0.0.2"],
        "userAgent": "kubectl", "requestReceivedTimestamp": "2026-11-29T12:00:00.000000Z",
    }  # fmt: skip
    assert event_line(event) == (
        '2026-11-29T12:00:00.000000Z AUDIT: id="id" stage="RequestReceived" ip="10.0.0.1" method="get" '
        r'user="jane" groups="\"a\",\"b\"" as="<self>" asgroups="<lookup>" user-agent="kubectl" '
        r'namespace="<none>" uri="/apis?a=\"b\"" response="<deferred>"'
    )
    event |= {
        "user": {}, "impersonatedUser": {"username": "joe"}, "objectRef": {"namespace": "ns"},
        "responseStatus": {"code": 201}, "sourceIPs": [],
    }  # fmt: skip
    assert event_line(event).endswith(
        'ip="<unknown>" method="get" user="<none>" groups="<none>" as="joe" asgroups="<lookup>" '
        r'user-agent="kubectl" namespace="ns" uri="/apis?a=\"b\"" response="201"'
    )
