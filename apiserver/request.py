"""What a request asks for and who asks: parsed once by the first filters, read by all that follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.negotiation import PLAIN, Negotiated

DEPRECATED = "k8s.io/deprecated"
"""The annotation of requests for what is deprecated."""


@dataclass(frozen=True, slots=True)
class UserInfo:
    """An authenticated user, as SubjectAccessReview and SelfSubjectReview show it."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def to_object(self) -> Object:
        """An authentication/v1 UserInfo."""
        told: Object = {
            "username": self.name,
            "uid": self.uid,
            "groups": list(self.groups),
            "extra": {key: list(values) for key, values in self.extra.items()},
        }
        return {key: value for key, value in told.items() if value}


ANONYMOUS = UserInfo("system:anonymous", groups=("system:unauthenticated",))


@dataclass(slots=True)
class RequestInfo:
    """One request in Kubernetes' terms (upstream: apiserver/pkg/endpoints/request/requestinfo.go).

    verb is the API's (get, list, watch, create, update, patch, delete, deletecollection) for resource
    requests and the lower-case HTTP method for others.
    """

    verb: str
    path: str
    method: str
    is_resource: bool = False
    group: str = ""
    version: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    names_object: bool = False
    """Whether the path has a name; a field selector may give one, too."""
    forces_watch: bool = False
    """Whether the path is one of those below /watch/, which are deprecated."""
    trailing: str = ""
    """What follows the subresource, for proxy requests."""
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    """Lower-case names; the first of equal names wins."""
    extensions: Mapping[str, Any] = field(default_factory=dict)
    """What the server offers beyond ASGI."""
    resource: Resource | None = None
    wanted: Negotiated = PLAIN
    """In which form the answer is to be."""
    user: UserInfo = ANONYMOUS
    trace_id: str = ""
    causes: tuple[str, ...] = ()
    actor: str = ""
    warnings: list[str] = field(default_factory=list)
    """Sent as Warning headers with the answer."""
    annotations: dict[str, str] = field(default_factory=dict)
    """What admission noted; told in the journal and in the audit log."""
    decision: tuple[bool, str] | None = None
    """Whether authorization let the request through, and why."""
    revision: int = 0
    """The revision that this request's write made; set by the handler, read by the journal."""
    flow_headers: tuple[tuple[bytes, bytes], ...] = ()
    """Which flow schema and priority level the request went through, for the answer."""
    was_terminated: bool = False
    """Whether the server ended it to protect itself: it took too long, or there was too much to do."""
    audit_id: str = ""
    """The client's, or made up; sent with the answer."""
    status: int = 0
    """The status of the answer, once it has begun."""
    received: int | None = None
    """Bytes of the request's body, once it has been read."""
    sent: int = 0
    """Bytes of the answer's body so far."""

    def first(self, parameter: str, default: str = "") -> str:
        """The first value of a query parameter."""
        values = self.query.get(parameter)
        return values[0] if values else default

    @property
    def scope(self) -> str:
        """How much it is about, as metrics call it."""
        return "resource" if self.name else "namespace" if self.namespace else "cluster"

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")


def is_true(text: str) -> bool:
    """A boolean of a query as upstream converts it: anything but 0 and false is true, even nothing."""
    return text.lower() not in ("false", "0")


def is_set(query: Mapping[str, Sequence[str]], name: str) -> bool:
    """Whether a boolean of a query is there, and true."""
    values = query.get(name)
    return is_true(values[0]) if values else False
