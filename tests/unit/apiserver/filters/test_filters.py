"""The filters one by one, around an application that does one thing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from apimachinery.errors import (
    BadRequestError,
    ConflictError,
    ForbiddenError,
    TimeoutStatusError,
    UnauthorizedError,
)
from apiserver.asgi import Receive, Scope, Send
from apiserver.auth.attempts import Attempts
from apiserver.auth.attributes import Attributes
from apiserver.auth.authentication_config import Anonymous
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorizer import Decision
from apiserver.filters.authentication import Authentication
from apiserver.filters.authorization import Authorization
from apiserver.filters.impersonation import Impersonation, requested_user, with_implied_groups
from apiserver.filters.max_in_flight import MaxInFlight
from apiserver.filters.panic import PanicRecovery
from apiserver.filters.request_info import KEY
from apiserver.filters.timeout import Timeout
from apiserver.metrics import RequestMetrics
from apiserver.request import UserInfo
from tests.fakes.asgi import JANE, Sent, answer, app_that, nothing, scope_of


@pytest.mark.looptime
async def test_without_priorities_so_many_requests_of_a_kind_are_served_at_once() -> None:
    async def dawdle(send: Send) -> None:
        await asyncio.sleep(10)
        await answer(send)

    limited = MaxInFlight(app_that(dawdle), metrics := RequestMetrics(), 1, 2)
    admin = UserInfo("admin", groups=("system:masters",))
    asked = [
        *(scope_of("GET /api/v1/nodes") for _ in range(2)),
        *(scope_of("POST /api/v1/nodes") for _ in range(3)),
        scope_of("GET /api/v1/nodes?watch=true"),
        scope_of("GET /api/v1/nodes", admin),
    ]
    answers = [Sent() for _ in asked]
    running = [
        asyncio.ensure_future(limited(each, nothing, to)) for each, to in zip(asked, answers, strict=True)
    ]
    await asyncio.sleep(1)
    assert {kind: lane.running for kind, lane in metrics.lanes.items()} == {"readOnly": 1, "mutating": 2}
    await asyncio.gather(*running)
    assert [each.status for each in answers] == [201, 429, 201, 201, 429, 201, 201]
    assert (b"retry-after", b"1") in answers[1].messages[0]["headers"]
    assert {lane.running for lane in metrics.lanes.values()} == {0}


@pytest.mark.looptime
async def test_who_is_never_refused_takes_no_place_of_others() -> None:
    """Where all places are taken, as upstream: who comes later finds a place as soon as one is free."""

    async def dawdle(send: Send) -> None:
        await asyncio.sleep(10)
        await answer(send)

    limited = MaxInFlight(app_that(dawdle), RequestMetrics(), 1, 1)
    admin, answers = UserInfo("admin", groups=("system:masters",)), [Sent(), Sent(), Sent()]
    async with asyncio.TaskGroup() as group:
        for user, to in zip((JANE, admin, JANE), answers, strict=True):
            group.create_task(limited(scope_of("GET /api/v1/nodes", user), nothing, to))
            await asyncio.sleep(6)
    assert [each.status for each in answers] == [201, 201, 201]


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("GET /healthz", "readOnly"),
        ("HEAD /api/v1/nodes", "readOnly"),
        ("DELETE /api/v1/nodes", "mutating"),
        ("HEAD /healthz", "mutating"),  # of what is no resource the verb is the method
    ],
)
async def test_which_requests_only_read(target: str, kind: str) -> None:
    async def look(send: Send) -> None:
        seen.update({kind: lane.running for kind, lane in metrics.lanes.items() if lane.running})

    seen: dict[str, int] = {}
    limited = MaxInFlight(app_that(look), metrics := RequestMetrics(), 0, 0)
    await limited(scope_of(target), nothing, Sent())
    assert seen == {kind: 1}


async def test_a_status_error_becomes_an_answer() -> None:
    async def fail(send: Send) -> None:
        raise ConflictError("pods", "web")

    sent = Sent()
    await PanicRecovery(app_that(fail))(scope_of("PUT /api/v1/namespaces/n/pods/web"), nothing, sent)
    assert (sent.status, sent.json["reason"]) == (409, "Conflict")


async def test_who_is_refused_is_told_that_the_token_was_ignored() -> None:
    async def fail(send: Send) -> None:
        raise ForbiddenError("nodes", "", "no")

    sent = Sent()
    asked = scope_of("GET /api/v1/nodes", headers=[(b"authorization", b"Bearer  t0ken")])
    await PanicRecovery(Authentication(app_that(fail), Authenticator(), Attempts()))(asked, nothing, sent)
    warnings = [value for name, value in sent.messages[0]["headers"] if name == b"warning"]
    ignored = (
        b"the provided Authorization header contains extra space before the bearer token, and is ignored"
    )
    assert (sent.status, warnings) == (403, [b'299 - "%s"' % ignored])


async def test_a_fault_of_ours_becomes_an_internal_error() -> None:
    async def fail(send: Send) -> None:
        raise KeyError("spec")

    sent = Sent()
    await PanicRecovery(app_that(fail))(scope_of("GET /api/v1/nodes"), nothing, sent)
    assert (sent.status, sent.json["reason"]) == (500, "InternalError")


@pytest.mark.looptime
async def test_a_request_that_takes_too_long_is_answered() -> None:
    async def dawdle(send: Send) -> None:
        await asyncio.sleep(100)

    with pytest.raises(TimeoutStatusError, match="request did not complete within the allotted timeout"):
        await Timeout(app_that(dawdle), 60)(scope_of("GET /api/v1/nodes"), nothing, Sent())


@pytest.mark.looptime
async def test_each_request_has_its_own_time() -> None:
    """Of several under way each is ended when its own time is up, and one that was ready before is not."""
    loop, ended = asyncio.get_running_loop(), dict[str, tuple[str, float]]()

    async def served(name: str, begin: float, seconds: float) -> None:
        await asyncio.sleep(begin)
        try:
            await timeout(scope_of(f"GET /api/v1/nodes/{seconds}"), nothing, Sent())
            ended[name] = ("served", loop.time())
        except TimeoutStatusError:
            ended[name] = ("late", loop.time())
        await asyncio.sleep(0)  # nothing is left of the cancellation

    async def work(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(float(scope[KEY].name))

    timeout = Timeout(work, 60)
    await asyncio.gather(served("first", 0, 100), served("quick", 10, 30), served("second", 20, 100))
    await served("alone", 100, 100)
    assert ended == {
        "first": ("late", 60), "quick": ("served", 40), "second": ("late", 80), "alone": ("late", 240),
    }  # fmt: skip


@pytest.mark.looptime
@pytest.mark.parametrize(("asked", "seconds"), [("5s", 5), ("0s", 60), ("3m", 60), ("", 60)])
async def test_a_request_may_ask_for_less_time(asked: str, seconds: float) -> None:
    timeout = Timeout(app_that(lambda send: asyncio.sleep(100)), 60)
    with pytest.raises(TimeoutStatusError):
        await timeout(scope_of(f"GET /version?timeout={asked}"), nothing, Sent())
    assert asyncio.get_running_loop().time() == seconds


async def test_a_timeout_that_is_no_duration_is_refused() -> None:
    timeout = Timeout(app_that(lambda send: asyncio.sleep(0)), 60)
    with pytest.raises(BadRequestError) as raised:
        await timeout(scope_of("GET /version?timeout=invalid"), nothing, Sent())
    reason = 'time: invalid duration "invalid"'
    assert str(raised.value) == f"invalid timeout specified in the request URL - {reason}"


@pytest.mark.looptime
async def test_a_request_that_others_cancel_is_not_late() -> None:
    task = asyncio.create_task(
        Timeout(app_that(lambda send: asyncio.sleep(100)), 60)(scope_of("GET /api/v1/nodes"), nothing, Sent())
    )
    await asyncio.sleep(30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.looptime
async def test_a_watch_may_last() -> None:
    async def dawdle(send: Send) -> None:
        await asyncio.sleep(100)

    await Timeout(app_that(dawdle), 60)(scope_of("GET /api/v1/nodes?watch=1"), nothing, Sent())


class Rules:
    """An authorizer that allows what it was told."""

    def __init__(self, *allowed: tuple[str, str, str]) -> None:
        self.allowed = allowed

    async def authorize(self, attributes: Attributes) -> Decision:
        asked = (attributes.verb, attributes.full_resource, attributes.name)
        return Decision(allowed=asked in self.allowed)


REFUSALS = {
    "in a namespace": (
        "GET /api/v1/namespaces/n/pods/web/log",
        'pods "web" is forbidden: User "jane" cannot get resource "pods/log" in API group "" '
        'in the namespace "n"',
    ),
    "in the cluster": (
        "GET /apis/apps/v1/deployments",
        'deployments.apps is forbidden: User "jane" cannot list resource "deployments" in API group "apps" '
        "at the cluster scope",
    ),
    "a path": ("GET /metrics", 'forbidden: User "jane" cannot get path "/metrics"'),
}


@pytest.mark.parametrize("row", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_has_upstreams_words(row: tuple[str, str]) -> None:
    with pytest.raises(ForbiddenError) as caught:
        await Authorization(app_that(answer), Rules(), Attempts())(scope_of(row[0]), nothing, Sent())
    assert caught.value.message == row[1]


class Broken:
    """An authorizer that cannot tell."""

    async def authorize(self, attributes: Attributes) -> Decision:
        return Decision(reason="no idea", error="connection refused")


async def test_what_cannot_be_told_is_an_internal_error_and_no_decision() -> None:
    scope, sent = {**scope_of("GET /metrics"), "raw_path": b"/metrics", "query_string": b"a=1&b"}, Sent()
    await Authorization(app_that(answer), Broken(), Attempts())(scope, nothing, sent)
    assert sent.status == 500
    assert sent.messages[1]["body"] == b'Internal Server Error: "/metrics?a=1&amp;b": connection refused\n'
    told = scope[KEY].annotations
    assert (scope[KEY].decision, told) == (None, {"authorization.k8s.io/reason": "internal error"})


async def test_masters_are_not_asked() -> None:
    root, sent = UserInfo("root", groups=("system:masters",)), Sent()
    await Authorization(app_that(answer), Rules(), Attempts())(scope_of("GET /metrics", root), nothing, sent)
    assert sent.status == 201


async def test_impersonation_asks_for_every_part() -> None:
    headers = [(b"impersonate-user", b"bob"), (b"impersonate-group", b"ops"), (b"impersonate-group", b"dev")]
    rules = Rules(("impersonate", "users", "bob"), ("impersonate", "groups", "ops"))
    with pytest.raises(ForbiddenError, match='cannot impersonate resource "groups"'):
        await Impersonation(app_that(answer), rules)(scope_of("GET /api", headers=headers), nothing, Sent())
    rules.allowed += (("impersonate", "groups", "dev"),)
    scope = scope_of("GET /api", headers=headers)
    await Impersonation(app_that(answer), rules)(scope, nothing, Sent())
    assert scope[KEY].user == UserInfo("bob", groups=("ops", "dev", "system:authenticated"))


@pytest.mark.parametrize(
    ("name", "groups", "expected"),
    [
        ("system:anonymous", (), ("system:unauthenticated",)),
        ("jane", (), ("system:authenticated",)),
        (
            "system:serviceaccount:n:robot",
            (),
            ("system:serviceaccounts", "system:serviceaccounts:n", "system:authenticated"),
        ),
    ],
)
def test_an_impersonated_user_gets_the_groups_of_a_real_one(
    name: str, groups: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert with_implied_groups(UserInfo(name, groups=groups)).groups == expected


@pytest.mark.parametrize(
    ("headers", "shown"),
    [
        ([(b"impersonate-group", b"g"), (b"impersonate-group", b"h")], "{Group  g    } {Group  h    }"),
        ([(b"impersonate-uid", b"1")], "{UID  1  authentication.k8s.io/v1  }"),
        ([(b"impersonate-extra-foo", b"x")], "{UserExtra  x  authentication.k8s.io/v1  foo}"),
    ],
)
async def test_nobody_can_be_impersonated_in_part(headers: list[tuple[bytes, bytes]], shown: str) -> None:
    sent = Sent()
    await Impersonation(app_that(answer), Rules())(scope_of("GET /api", headers=headers), nothing, sent)
    told = f'Internal Server Error: "/api": requested [{shown}] without impersonating a user\n'
    assert (sent.status, sent.messages[1]["body"].decode()) == (500, told)


def test_extra_fields_are_collected_and_unescaped() -> None:
    user = requested_user([(b"impersonate-user", b"b"), (b"impersonate-extra-a%2fb", b"1")])
    assert user is not None
    assert user.extra == {"a/b": ("1",)}


def told(attempts: Attempts) -> dict[str, float]:
    return {
        f"{sample.name}{{{','.join(sample.labels.values())}}}": sample.value
        for family in attempts.collect()
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_sum"))
    }


class Denying:
    """An authorizer that says no, and the last word."""

    async def authorize(self, attributes: Attributes) -> Decision:
        return Decision(denied=True)


@pytest.mark.parametrize(
    ("authorizer", "user", "result"),
    [
        (Rules(), UserInfo("root", groups=("system:masters",)), "allowed"),
        (Rules(), UserInfo("jane"), "no-opinion"),
        (Denying(), UserInfo("jane"), "denied"),
        (Broken(), UserInfo("jane"), "error"),
    ],
)
async def test_what_authorization_decides_is_counted(authorizer: Any, user: UserInfo, result: str) -> None:
    attempts = Attempts()
    scope = {**scope_of("GET /metrics", user), "raw_path": b"/metrics", "query_string": b""}
    with suppress(ForbiddenError):
        await Authorization(app_that(answer), authorizer, attempts)(scope, nothing, Sent())
    assert told(attempts) == {
        f"authorization_attempts_total{{{result}}}": 1,
        f"authorization_duration_seconds_count{{{result}}}": 1,
    }


@pytest.mark.parametrize(
    ("token", "result", "users"),
    [
        (b"Bearer good", "success", {"authenticated_user_requests{email_id}": 1}),
        (b"Bearer bad", "error", {}),
        (b"", "failure", {}),
    ],
)
async def test_who_could_prove_who_they_are_is_counted(
    token: bytes, result: str, users: dict[str, float]
) -> None:
    attempts = Attempts()
    known = Authenticator(
        static_tokens={"good": UserInfo("jane@example.org")}, anonymous=Anonymous(enabled=False)
    )
    scope = {**scope_of("GET /api/v1/nodes", headers=[(b"authorization", token)]), "path": "/api/v1/nodes"}
    with suppress(UnauthorizedError):
        await Authentication(app_that(answer), known, attempts)(scope, nothing, Sent())
    assert told(attempts) == users | {
        f"authentication_attempts{{{result}}}": 1,
        f"authentication_duration_seconds_count{{{result}}}": 1,
    }
