"""Audit policies, and requests that they are asked about."""

from __future__ import annotations

from typing import Any

import yaml

from apiserver.filters.request_info import parse_query, parse_request
from apiserver.request import RequestInfo, UserInfo

JANE = UserInfo("jane", groups=("devs", "system:authenticated"))


def policy(*rules: dict[str, Any], **fields: Any) -> bytes:
    return yaml.safe_dump(
        {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": list(rules), **fields}
    ).encode()


def request(target: str) -> RequestInfo:
    method, _, rest = target.partition(" ")
    path, _, query = rest.partition("?")
    info = parse_request(method, path, parse_query(query.encode()))
    info.user = JANE
    return info
