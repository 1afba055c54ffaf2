"""An audit event as one line that people can read: the format `legacy`, and what the log tells of lost ones.

Source: pkg/audit/format.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from apimachinery.objects import Object


def event_line(event: Object) -> str:
    """Without a new line."""
    user, other = event.get("user") or {}, event.get("impersonatedUser")
    as_user, as_groups = "<self>", "<lookup>"
    if other is not None:
        as_user = other.get("username", "")
        as_groups = _list(other["groups"]) if "groups" in other else as_groups
    status, ips = event.get("responseStatus"), event.get("sourceIPs")
    told = {
        "id": event["auditID"],
        "stage": event["stage"],
        "ip": ips[0] if ips else "<unknown>",
        "method": event.get("verb", ""),
        "user": user.get("username") or "<none>",
        "groups": _list(user["groups"]) if user.get("username") and user.get("groups") else "<none>",
        "as": as_user,
        "asgroups": as_groups,
        "user-agent": event.get("userAgent", ""),
        "namespace": (event.get("objectRef") or {}).get("namespace") or "<none>",
        "uri": event["requestURI"],
        "response": "<deferred>" if status is None else str(status.get("code", 0)),
    }
    pairs = " ".join(f"{name}={_quoted(value)}" for name, value in told.items())
    return f"{event['requestReceivedTimestamp']} AUDIT: {pairs}"


def _list(texts: Sequence[str]) -> str:
    return ",".join(_quoted(each) for each in texts)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()
