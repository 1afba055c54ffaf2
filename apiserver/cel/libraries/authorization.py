"""Authorization checks: `authorizer.group('apps').resource('deployments').check('create').allowed()`.

A check is a text, JSON of what has been said so far; who answers it is set while an expression is evaluated.
Source: staging/src/k8s.io/apiserver/pkg/cel/library/authz.go of Kubernetes 1.34.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from apimachinery.names import is_dns1123_label, is_dns1123_subdomain
from apiserver.cel.libraries.function import Function, method

Answer = tuple[bool, str, str]
"""Whether it is allowed, the reason, and what went wrong."""
ANSWERER: ContextVar[Callable[[dict[str, Any]], Answer]] = ContextVar("ANSWERER")
"""Answers a check: `user` (an authentication/v1 UserInfo), `verb`, and `path` or what names a resource."""


def _with(text: str, **said: Any) -> str:
    return json.dumps({**json.loads(text), **said}, sort_keys=True)


def _path(authorizer: str, path: str) -> str:
    if not path.strip():
        raise ValueError("path must not be empty")
    return _with(authorizer, path=path)


def _service_account(authorizer: str, namespace: str, name: str) -> str:
    for value, what, problems in (
        (name, "name", is_dns1123_subdomain(name)),
        (namespace, "namespace", is_dns1123_label(namespace)),
    ):
        if problems:
            raise ValueError(f"Invalid service account {what} {value}")
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"]
    return _with(authorizer, user={"username": f"system:serviceaccount:{namespace}:{name}", "groups": groups})


def _resource(group: str, resource: str) -> str:
    if not resource.strip():
        raise ValueError("resource must not be empty")
    return _with(group, resource=resource)


def _check(check: str, verb: str) -> str:
    allowed, reason, error = ANSWERER.get()(json.loads(_with(check, verb=verb)))
    return json.dumps({"allowed": allowed, "reason": reason, "error": error})


def _of_decision(field: str) -> Callable[[str], Any]:
    return lambda decision: json.loads(decision)[field]


FUNCTIONS: tuple[Function, ...] = (
    method("path", "Authorizer string", "PathCheck", _path),
    method("group", "Authorizer string", "GroupCheck", lambda text, group: _with(text, group=group)),
    method("serviceAccount", "Authorizer string string", "Authorizer", _service_account),
    method("resource", "GroupCheck string", "ResourceCheck", _resource),
    *(
        method(
            name,
            "ResourceCheck string",
            "ResourceCheck",
            lambda text, value, name=name: _with(text, **{name: value}),
        )
        for name in ("subresource", "namespace", "name", "fieldSelector", "labelSelector")
    ),
    method("check", "PathCheck string", "Decision", _check),
    method("check", "ResourceCheck string", "Decision", _check),
    method("allowed", "Decision", "bool", _of_decision("allowed")),
    method("reason", "Decision", "string", _of_decision("reason")),
    method("errored", "Decision", "bool", lambda decision: bool(json.loads(decision)["error"])),
    method("error", "Decision", "string", _of_decision("error")),
)
