"""The audit filters around applications that answer, refuse, fail and last: the events of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from apimachinery.errors import NotFoundError, StatusError, UnauthorizedError
from apimachinery.objects import Object
from apiserver.asgi import Message, Receive, Scope, Send
from apiserver.audit.auditor import Auditor
from apiserver.audit.policy import parse_policy
from apiserver.filters.audit import Audit, AuditFailedAuthentication
from apiserver.filters.request_info import KEY
from apiserver.request import ANONYMOUS, UserInfo
from tests.fakes.asgi import Sent, scope_of, send_json
from tests.unit.apiserver.audit.policies import policy

NOON = "2026-11-29T12:00:00.000000Z"
CREATE = "POST /api/v1/namespaces/ns/configmaps?fieldManager=me"
POD = "/api/v1/namespaces/ns/pods/web"


class Events(list[Object]):
    """A sink that keeps everything, or, if it is `full`, nothing."""

    full = False

    async def process(self, events: Sequence[Object]) -> bool:
        if not self.full:
            self.extend(events)
        return not self.full

    async def run(self) -> None:
        """There is nothing to do beside."""

    async def aclose(self) -> None:
        """There is nothing to close."""


def auditor(level: str, events: Events, **fields: Any) -> Auditor:
    parsed = parse_policy(policy({"level": level}, **fields))
    return Auditor(parsed, events, lambda: datetime(2026, 11, 29, 12, tzinfo=UTC))


async def seen(level: str, scope: Scope, app: Any, body: bytes = b"", **fields: Any) -> Events:
    events = Events()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    scope[KEY].audit_id = "id"
    with suppress(StatusError, KeyError):
        await Audit(app, auditor(level, events, **fields))(scope, receive, Sent())
    return events


def stages(events: Events) -> list[str]:
    return [each["stage"] for each in events]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    scope[KEY].decision = (True, "RBAC: allowed")
    await send_json(send, 201, orjson.loads(body))


async def test_an_event_tells_who_did_what_to_which_object() -> None:
    body = {"metadata": {"name": "a", "uid": "u", "managedFields": [{}]}, "data": {"k": "v"}}
    scope = scope_of(CREATE, headers=[(b"user-agent", b"kubectl"), (b"x-forwarded-for", b"10.0.0.9")])
    scope |= {"client": ("10.0.0.1", 7), "query_string": b"fieldManager=me"}
    events = await seen("RequestResponse", scope, echo, orjson.dumps(body), omitManagedFields=True)
    shown = {"metadata": {"name": "a", "uid": "u"}, "data": {"k": "v"}}
    assert stages(events) == ["RequestReceived", "ResponseComplete"]
    assert events[1] == {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": "id",
        "stage": "ResponseComplete", "requestURI": "/api/v1/namespaces/ns/configmaps?fieldManager=me",
        "verb": "create", "user": {"username": "jane", "groups": ["devs", "system:authenticated"]},
        "sourceIPs": ["10.0.0.9", "10.0.0.1"], "userAgent": "kubectl",
        "objectRef": {
            "resource": "configmaps", "namespace": "ns", "name": "a", "uid": "u", "apiVersion": "v1",
        },
        "requestObject": {"kind": "ConfigMap", "apiVersion": "v1", **shown},
        "responseStatus": {"metadata": {}, "code": 201}, "responseObject": shown,
        "requestReceivedTimestamp": NOON, "stageTimestamp": NOON,
        "annotations": {
            "authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "RBAC: allowed",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("None", None),
        ("Metadata", set()),
        ("Request", {"requestObject"}),
        ("RequestResponse", {"requestObject", "responseObject"}),
    ],
)
async def test_a_level_says_how_much(level: str, shown: set[str] | None) -> None:
    events = await seen(level, scope_of(CREATE), echo, b'{"metadata":{"name":"a"}}')
    found = {"requestObject", "responseObject"} & set(events[-1]) if events else None
    assert found == shown


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotFoundError("pods", "web")


async def panic(scope: Scope, receive: Receive, send: Send) -> None:
    raise KeyError("spec")


async def watch(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, 200, {"type": "ADDED"})


async def become_joe(scope: Scope, receive: Receive, send: Send) -> None:
    scope[KEY].user = UserInfo("joe")
    await send_json(send, 200, {"kind": "Status", "apiVersion": "v1", "status": "Success"})


async def refuse_to_connect(scope: Scope, receive: Receive, send: Send) -> None:
    await send_json(send, 404, NotFoundError("pods", "web").to_status())


async def test_an_error_of_what_would_have_lasted_is_told_at_each_stage() -> None:
    events = await seen("Metadata", scope_of(f"GET {POD}/log"), refuse_to_connect)
    assert stages(events) == ["RequestReceived", "ResponseStarted", "ResponseComplete"]
    assert [each["responseStatus"].get("message") for each in events[1:]] == ['pods "web" not found'] * 2


async def test_an_object_of_a_body_without_a_kind_has_one() -> None:
    events = await seen("Request", scope_of(CREATE), echo, b'{"metadata":{"name":"a"}}')
    assert events[-1]["requestObject"] == {
        "kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "a"},
    }  # fmt: skip


async def name_it(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    scope[KEY].name = "gen-x"
    await send_json(send, 201, {})


async def test_a_generated_name_is_not_what_was_asked_for() -> None:
    events = await seen("Metadata", scope_of(CREATE), name_it, b'{"metadata":{"generateName":"gen-"}}')
    assert "name" not in events[-1]["objectRef"]


async def test_an_error_is_told_as_its_status() -> None:
    events = await seen("Metadata", scope_of(f"GET {POD}"), refuse)
    assert events[-1]["responseStatus"] == {
        "metadata": {}, "status": "Failure", "message": 'pods "web" not found', "reason": "NotFound",
        "details": {"name": "web", "kind": "pods"}, "code": 404,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "app", "wanted"),
    [
        (f"GET {POD}", panic, ["RequestReceived", "Panic"]),
        ("GET /api/v1/pods?watch=1", watch, ["RequestReceived", "ResponseStarted", "ResponseComplete"]),
        ("GET /api/v1/pods?watch=1", refuse, ["RequestReceived", "ResponseStarted", "ResponseComplete"]),
        ("GET /version", watch, ["RequestReceived", "ResponseComplete"]),
    ],
)
async def test_a_request_has_its_stages(target: str, app: Callable[..., Any], wanted: list[str]) -> None:
    assert stages(await seen("RequestResponse", scope_of(target), app)) == wanted


async def test_what_cannot_be_recorded_is_not_done() -> None:
    """Only where the sink says so, which it does in mode blocking-strict."""
    events, sent = Events(), Sent()
    events.full = True
    scope = scope_of("GET /api/v1/pods?labelSelector=a<b")
    scope["query_string"] = b"labelSelector=a<b"
    await Audit(panic, auditor("Metadata", events))(scope, Sent, sent)  # type: ignore[arg-type]  # never asked
    text = 'Internal Server Error: "/api/v1/pods?labelSelector=a&lt;b": failed to store audit event\n'
    assert (sent.status, sent.messages[1]["body"]) == (500, text.encode())


async def test_who_acts_for_another_is_told_with_the_other() -> None:
    events = await seen("Metadata", scope_of(f"DELETE {POD}"), become_joe)
    assert (events[-1]["user"]["username"], events[-1]["impersonatedUser"]) == ("jane", {"username": "joe"})
    assert events[-1]["responseStatus"] == {"metadata": {}, "status": "Success", "code": 200}


async def test_who_cannot_prove_who_he_is_is_recorded() -> None:
    async def unknown(scope: Scope, receive: Receive, send: Send) -> None:
        raise UnauthorizedError

    events = Events()
    scope = scope_of("GET /api/v1/nodes", ANONYMOUS, [(b"authorization", b"Bearer secret")])
    with pytest.raises(UnauthorizedError):
        await AuditFailedAuthentication(unknown, auditor("Metadata", events))(scope, Sent, Sent())  # type: ignore[arg-type]  # never asked
    assert stages(events) == ["ResponseStarted"]
    assert events[0]["responseStatus"]["code"] == 401
    assert events[0]["user"] == {}
    assert "secret" not in str(events)
