"""One audited request: what is known of it, as an event (audit.k8s.io/v1) at each of its stages.

Source: pkg/audit/request.go and context.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from apimachinery import protobuf
from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.schema import definition_name
from apimachinery.serialize import DecodeError, from_json, from_yaml_strict
from apimachinery.times import format_micro_time
from apiserver.asgi import Scope, request_uri
from apiserver.audit.metrics import EVENTS
from apiserver.audit.policy import LEVEL_NAMES, RECEIVED, Extent, Level
from apiserver.audit.sink import Sink
from apiserver.request import RequestInfo
from apiserver.yaml_reader import LARGE_YAML

_MAX_USER_AGENT = 1024
_CLOSED_EARLY: Object = {
    "metadata": {},
    "status": "Success",
    "message": "Connection closed early",
    "code": 200,
}
_STATUS_FIELDS = ("status", "message", "reason", "details", "code")
_AUTHORIZATION = "authorization.k8s.io/"
_FROM_METADATA = ("namespace", "name", "uid", "resourceVersion")


class Record:
    """Made when the policy wants to know of a request; `reach` tells the sink how far it has come."""

    def __init__(
        self,
        info: RequestInfo,
        scope: Scope,
        extent: Extent,
        sink: Sink,
        now: Callable[[], datetime],
    ) -> None:
        self.extent = extent
        self.status: Object | None = None
        self.request_body = b""
        self.response_body: Any = None
        self._info = info
        self._scope = scope
        self._sink = sink
        self._now = now
        self._user = info.user
        self._name = info.name  # before one is generated
        self._received = format_micro_time(now())

    @property
    def wants_request(self) -> bool:
        """Whether the body is needed: even to name the object it is about."""
        return self._info.is_resource and self._info.method in ("POST", "PUT", "PATCH", "DELETE")

    @property
    def wants_response(self) -> bool:
        return self._info.is_resource and self.extent.level >= Level.REQUEST_RESPONSE

    @property
    def ends_in_status(self) -> bool:
        """Whether the answer may be a Status even if all is well."""
        return self._info.is_resource and self._info.method == "DELETE"

    def fail(self, error: StatusError) -> None:
        """The request ends in an error that a filter further out will send."""
        self.note_answer(error.code, error.to_status())

    def note_answer(self, code: int, body: Any) -> None:
        """`body` is the decoded answer, None if it is not to be recorded."""
        self.status = {"metadata": {}, "code": code}
        if isinstance(body, dict) and body.get("kind") == "Status":
            said = {name: body[name] for name in _STATUS_FIELDS if body.get(name)}
            self.status = {"metadata": {}, **said, "code": code}
        self.response_body = body

    async def reach(self, stage: str) -> bool:
        """Whether that is on record, as far as it has to be."""
        if stage in self.extent.omit_stages:
            return True
        EVENTS.inc()
        return await self._sink.process([self._event(stage)])

    def _event(self, stage: str) -> Object:
        info = self._info
        event: Object = {
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": LEVEL_NAMES[self.extent.level],
            "auditID": info.audit_id, "stage": stage, "requestURI": request_uri(self._scope),
            "verb": info.verb, "user": self._user.to_object(),
        }  # fmt: skip
        if info.user is not self._user:
            event["impersonatedUser"] = info.user.to_object()
        event["sourceIPs"] = _source_ips(info, self._scope)
        if info.user_agent:
            event["userAgent"] = _shortened(info.user_agent)
        self._add_objects(event, stage)
        if stage != RECEIVED:
            event["responseStatus"] = self.status or _CLOSED_EARLY
        event["requestReceivedTimestamp"] = self._received
        event["stageTimestamp"] = self._received if stage == RECEIVED else format_micro_time(self._now())
        if annotations := _annotations(info):
            event["annotations"] = annotations
        return event

    def _add_objects(self, event: Object, stage: str) -> None:
        if not self._info.is_resource:
            return
        body = _decode(self._info, self.request_body) if self.request_body else None
        event["objectRef"] = _object_ref(self._info, self._name, body)
        if body is not None and self.extent.level >= Level.REQUEST:
            event["requestObject"] = self._without_managers(_with_kind(self._info, body))
        if stage != RECEIVED and self.wants_response and self.response_body is not None:
            event["responseObject"] = self._without_managers(self.response_body)

    def _without_managers(self, obj: Any) -> Any:
        """As the policy wants it; also of the items of a list and the rows of a table."""
        if not self.extent.omit_managed_fields or not isinstance(obj, dict):
            return obj
        if isinstance(obj.get("items"), list):
            return obj | {"items": [self._without_managers(each) for each in obj["items"]]}
        if isinstance(obj.get("rows"), list):
            return obj | {"rows": [self._without_managers_of_row(each) for each in obj["rows"]]}
        if not isinstance(obj.get("metadata"), dict):
            return obj
        metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
        return obj | {"metadata": metadata}

    def _without_managers_of_row(self, row: Object) -> Object:
        return row | {"object": self._without_managers(row.get("object"))}


def _annotations(info: RequestInfo) -> dict[str, str]:
    """What authorization decided, and what plugins had to say."""
    if info.decision is None:
        return info.annotations
    allowed, reason = info.decision
    verdict = "allow" if allowed else "forbid"
    return {f"{_AUTHORIZATION}decision": verdict, f"{_AUTHORIZATION}reason": reason, **info.annotations}


def _source_ips(info: RequestInfo, scope: Scope) -> list[str]:
    """What proxies say, then who is connected; all but the last may be made up."""
    forwarded = [each.strip() for each in info.headers.get("x-forwarded-for", "").split(",")]
    found = [each for each in forwarded if each]
    client = scope.get("client")
    for each in (info.headers.get("x-real-ip", "").strip(), client[0] if client else ""):
        if each and each not in found[-1:]:
            found.append(each)
    return found


def _shortened(user_agent: str) -> str:
    if len(user_agent) <= _MAX_USER_AGENT:
        return user_agent
    return user_agent[:_MAX_USER_AGENT] + "...TRUNCATED"


def _object_ref(info: RequestInfo, name: str, body: Any) -> Object:
    ref = {
        "resource": info.plural, "namespace": info.namespace, "name": name, "uid": "",
        "apiGroup": info.group, "apiVersion": info.version, "resourceVersion": "",
        "subresource": info.subresource,
    }  # fmt: skip
    metadata = body.get("metadata") if isinstance(body, dict) else None
    if isinstance(metadata, dict) and info.method in ("POST", "PUT"):
        ref |= {name: ref[name] or metadata.get(name) or "" for name in _FROM_METADATA}
    return {name: value for name, value in ref.items() if value}


def _with_kind(info: RequestInfo, body: Any) -> Any:
    """An object that does not say what it is is of the kind that was written to."""
    resource = info.resource
    if (
        resource is None
        or info.subresource
        or info.method not in ("POST", "PUT")
        or not isinstance(body, dict)
    ):
        return body
    usual = {"kind": resource.kind, "apiVersion": resource.api_version}
    return body | {name: body.get(name) or value for name, value in usual.items()}


def _decode(info: RequestInfo, body: bytes) -> Any:
    """What the client sent, as JSON; None for what cannot be read, or not at once."""
    media = info.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if media == protobuf.CONTENT_TYPE:
            return protobuf.decode(body, definition_name)
        if media.endswith("yaml"):
            return from_yaml_strict(body).value if len(body) <= LARGE_YAML else None
        return from_json(body)
    except (DecodeError, protobuf.ProtobufError):
        return None
