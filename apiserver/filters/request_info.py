"""Reads a request into Kubernetes' terms: verb, group, resource, namespace, name.

Source: staging/src/k8s.io/apiserver/pkg/endpoints/request/requestinfo.go of Kubernetes 1.34.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

from apimachinery.fields import FieldSelectorError, parse_field_selector
from apimachinery.scheme import lookup
from apiserver.asgi import App, Receive, Scope, Send
from apiserver.request import RequestInfo, is_set
from apiserver.responses import TEXT

KEY = "request_info"
"""Where in the scope the RequestInfo stands."""

_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES = frozenset(("status", "finalize"))
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_BAD_REQUEST = b"400 Bad Request"
_LONG_RUNNING = frozenset(("log", "exec", "attach", "portforward", "proxy"))


def is_long_running(info: RequestInfo) -> bool:
    """Whether a request may last: no timeout and no place among those in flight for it."""
    return info.verb == "watch" or info.subresource in _LONG_RUNNING


class RequestInfoFilter:
    """Puts the RequestInfo into the scope. A path that cannot be unescaped is refused as Go's server does."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if _BAD_ESCAPE.search(scope.get("raw_path", b"").decode("latin-1")):
                return await _refuse(send)
            headers = parse_headers(scope["headers"])
            query = parse_query(scope["query_string"])
            info = parse_request(scope["method"], scope["path"], query, headers)
            info.extensions = scope.get("extensions") or {}
            scope[KEY] = info
        await self._app(scope, receive, send)


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", TEXT), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": _BAD_REQUEST})


def parse_headers(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """By name; of equal names the first is what counts."""
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return found


def parse_query(query_string: bytes) -> dict[str, list[str]]:
    """Every parameter with its values, empty ones too. As in Go, what has a semicolon or cannot be unescaped
    is not there."""
    found: dict[str, list[str]] = {}
    for pair in query_string.decode("latin-1").split("&"):
        if pair and ";" not in pair and not _BAD_ESCAPE.search(pair):
            name, _, value = pair.partition("=")
            found.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return found


def parse_request(
    method: str, path: str, query: dict[str, list[str]], headers: dict[str, str] | None = None
) -> RequestInfo:
    """What a method and a path ask for."""
    info = RequestInfo(verb=method.lower(), path=path, method=method, query=query, headers=headers or {})
    parts = path.strip("/").split("/")
    prefix = parts[0]
    if prefix == "api" and len(parts) >= 3:
        _read_resource(info, parts[1:])
    elif prefix == "apis" and len(parts) >= 4:
        info.group = parts[1]
        _read_resource(info, parts[2:])
    return info


def _read_resource(info: RequestInfo, parts: list[str]) -> None:
    """After the group: version, perhaps `watch`, then namespace, resource, name, subresource."""
    info.is_resource = True
    info.version = parts.pop(0)
    if parts[0] == "watch" and len(parts) > 1:
        info.verb, info.forces_watch = "watch", True
        parts.pop(0)
    else:
        info.verb = _VERBS.get(info.method, "")
    if parts[0] == "namespaces" and len(parts) > 1:
        info.namespace = parts[1]
        if len(parts) > 2 and parts[2] not in _NAMESPACE_SUBRESOURCES:
            parts = parts[2:]
    _read_names(info, parts)
    info.resource = lookup(info.group, info.version, info.plural)
    if not info.name:
        _read_collection_verb(info)


def _read_names(info: RequestInfo, parts: list[str]) -> None:
    info.plural = parts[0]
    if len(parts) > 1:
        info.name, info.names_object = parts[1], True
    if len(parts) > 2:
        info.subresource = parts[2]
    if len(parts) > 3:
        info.trailing = "/".join(parts[3:])


def _read_collection_verb(info: RequestInfo) -> None:
    """A get without a name is a list or a watch; a field selector may name one object."""
    if info.verb == "delete":
        info.verb = "deletecollection"
    elif info.verb == "get":
        info.verb = "watch" if is_set(info.query, "watch") else "list"
    if info.verb in ("list", "watch", "deletecollection") and "fieldSelector" in info.query:
        info.name = _selected_name(info.first("fieldSelector"))


def _selected_name(selector: str) -> str:
    """The name a selector demands, for authorization; a bad selector is the handler's to refuse."""
    if "metadata.name" not in selector:
        return ""
    try:
        return parse_field_selector(selector).exact("metadata.name") or ""
    except FieldSelectorError:
        return ""
