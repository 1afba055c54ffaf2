"""Webhooks for authentication and authorization: what is asked, what the answer means, what is remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client import REGISTRY

from apimachinery.errors import ForbiddenError
from apimachinery.objects import Object
from apiserver.auth.attributes import Attributes, attributes_of
from apiserver.auth.authenticator import Authenticator
from apiserver.auth.authorization_config import AuthorizationConfiguration, AuthorizerSource
from apiserver.auth.authorizer import EVERYTHING, AlwaysAllow, AlwaysDeny, Decision, Union
from apiserver.auth.authorizers import Authorizers
from apiserver.auth.decision_metrics import AuthorizationMetrics
from apiserver.auth.expiring_cache import ExpiringCache
from apiserver.auth.webhooks.authenticator import WebhookAuthenticator
from apiserver.auth.webhooks.authorizer import Policy, WebhookAuthorizer, decision_of, spec_of, v1beta1_spec
from apiserver.auth.webhooks.match_conditions import MatchConditions, compile_condition
from apiserver.auth.webhooks.reviewer import Reviewer
from apiserver.generic_webhook import WebhookError
from apiserver.request import RequestInfo, UserInfo
from component_base.jwt import InvalidToken
from tests.unit.counting import Counting

JANE = UserInfo("jane", "7", ("devs",), {"scopes": ("a", "b")})
PODS = Attributes(JANE, "list", "shop", "", "v1", "pods", is_resource=True)
ISSUER = "https://kubernetes.default.svc"


class Remote:
    """A webhook that answers what it was told, and keeps what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    async def post(self, obj: Any) -> Any:
        self.asked.append(obj)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def status(**fields: Any) -> Object:
    return {"status": fields}


def authorizer(
    remote: Remote, clock: Clock | None = None, conditions: Sequence[str] = (), **policy: Any
) -> WebhookAuthorizer:
    reviewer = Reviewer(remote, "authorization.k8s.io", "SubjectAccessReview", "v1")
    compiled = MatchConditions([compile_condition(each) for each in conditions])
    return WebhookAuthorizer("ours", reviewer, Policy(**policy), compiled, clock or Clock())


def authenticator(remote: Remote, clock: Clock | None = None) -> WebhookAuthenticator:
    reviewer = Reviewer(remote, "authentication.k8s.io", "TokenReview", "v1")
    return WebhookAuthenticator(reviewer, (ISSUER,), 120.0, clock or Clock())


def test_a_question_about_a_resource() -> None:
    query = {"labelSelector": ["app in (a,b)"], "fieldSelector": ["spec.nodeName=n1"]}
    info = RequestInfo(
        "list", "/api/v1/pods", "GET", True, "", "v1", "pods", namespace="shop", query=query, user=JANE
    )
    assert spec_of(attributes_of(info)) == {
        "user": "jane",
        "uid": "7",
        "groups": ["devs"],
        "extra": {"scopes": ["a", "b"]},
        "resourceAttributes": {
            "namespace": "shop",
            "verb": "list",
            "version": "v1",
            "resource": "pods",
            "fieldSelector": {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]},
            "labelSelector": {"requirements": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
        },
    }


def test_a_question_about_a_path_and_in_the_older_version() -> None:
    spec = spec_of(Attributes(UserInfo("jane", groups=("devs",)), "get", path="/metrics"))
    path = {"path": "/metrics", "verb": "get"}
    assert spec == {"user": "jane", "groups": ["devs"], "nonResourceAttributes": path}
    assert v1beta1_spec(spec) == {"user": "jane", "group": ["devs"], "nonResourceAttributes": path}


BOTH = "webhook subject access review returned both allow and deny response"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"allowed": True, "reason": "a friend"}, Decision(allowed=True, reason="a friend")),
        ({"denied": True, "reason": "no"}, Decision(denied=True, reason="no")),
        ({"reason": "never heard of"}, Decision(reason="never heard of")),
        ({}, Decision()),
        ({"allowed": True, "denied": True}, Decision(denied=True, error=BOTH)),
    ],
)
def test_what_an_answer_decides(answer: Object, expected: Decision) -> None:
    assert decision_of(answer) == expected


async def test_answers_are_remembered_for_as_long_as_each_is_good() -> None:
    clock, remote = Clock(), Remote(status(allowed=True))
    asked = authorizer(remote, clock, authorized_seconds=300, unauthorized_seconds=30)
    other = Attributes(JANE, "delete", "shop", "", "v1", "pods", is_resource=True)
    for _ in range(2):
        assert (await asked.authorize(PODS)).allowed
    remote.answers = [status()]
    for _ in range(2):
        assert not (await asked.authorize(other)).allowed
    assert [each["spec"]["resourceAttributes"]["verb"] for each in remote.asked] == ["list", "delete"]
    clock.seconds = 31
    await asked.authorize(other)
    assert (await asked.authorize(PODS)).allowed
    assert len(remote.asked) == 3
    clock.seconds = 301
    assert not (await asked.authorize(PODS)).allowed


async def test_what_is_too_long_is_not_remembered() -> None:
    remote = Remote(status(allowed=True))
    asked = authorizer(remote)
    for _ in range(2):
        await asked.authorize(Attributes(JANE, "get", path="/" + "x" * 10_000))
    assert len(remote.asked) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WebhookError('Post "https://a": EOF'), 'Post "https://a": EOF'),
        (ForbiddenError("", "", "who are you"), "forbidden: who are you"),
        ([], "unable to decode nothing as SubjectAccessReview"),
        ({"kind": "Pod"}, "unable to decode Pod as SubjectAccessReview"),
        (
            status(allowed="yes"),
            "unable to decode SubjectAccessReview: json: cannot unmarshal string into Go struct field "
            "SubjectAccessReviewStatus.status.allowed of type bool",
        ),
    ],
)
async def test_without_an_answer_the_policy_decides_and_nothing_is_remembered(
    answer: Any, error: str
) -> None:
    remote = Remote(answer)
    asked = authorizer(remote)
    assert await asked.authorize(PODS) == Decision(error=error)
    assert await authorizer(remote, denies_on_failure=True).authorize(PODS) == Decision(
        denied=True, error=error
    )
    remote.answers = [status(allowed=True)]
    assert (await asked.authorize(PODS)).allowed


async def test_the_next_authorizer_is_asked_when_a_webhook_fails_and_what_failed_is_told() -> None:
    broken = authorizer(Remote(WebhookError("EOF")))
    assert (await Union([broken, AlwaysAllow()]).authorize(PODS)).allowed
    decision = await Union([broken, AlwaysDeny()]).authorize(PODS)
    assert decision == Decision(reason="Everything is forbidden.", error="EOF")


def counted(metric: str, /, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"apiserver_authorization_{metric}", labels) or 0.0


async def test_what_webhooks_and_decisions_come_to_is_counted() -> None:
    evaluations = "webhook_evaluations_total"
    before = [counted(evaluations, name="ours", result=each) for each in ("success", "timeout")]
    late = WebhookError('Post "https://a": context deadline exceeded')
    await authorizer(Remote(status(allowed=True))).authorize(PODS)
    await authorizer(Remote(late)).authorize(PODS)
    await authorizer(Remote(late), denies_on_failure=True).authorize(PODS)
    after = [counted(evaluations, name="ours", result=each) for each in ("success", "timeout")]
    assert (after[0] - before[0], after[1] - before[1]) == (1, 2)
    assert counted("webhook_evaluations_fail_open_total", name="ours", result="timeout") == 1

    sources = (AuthorizerSource("AlwaysDeny", "alwaysdeny"), AuthorizerSource("AlwaysAllow", "alwaysallow"))
    authorizers = Authorizers(AuthorizationConfiguration(sources), {})
    for _ in range(2):
        await authorizers.authorize(PODS)
    (family,) = AuthorizationMetrics(authorizers).collect()
    told = [(each.labels["name"], each.labels["decision"], each.value) for each in family.samples]
    assert told == [("alwaysallow", "allowed", 2)]


def test_what_a_user_may_do_is_not_known_where_a_webhook_decides() -> None:
    webhook = authorizer(Remote(status()))
    found = Union([webhook, AlwaysAllow(), webhook, AlwaysDeny()]).rules_of(JANE, "shop")
    assert found.rules == [*EVERYTHING]
    assert found.gaps == ["webhook authorizer does not support user rule resolution"] * 2


async def test_a_token_is_somebodys() -> None:
    user = {"username": "jane", "uid": "7", "groups": ["devs"], "extra": {"scopes": ["a"]}}
    remote = Remote(status(authenticated=True, user=user, audiences=["vault", "other"]))
    found, audiences = await authenticator(remote).verify("t", ("vault",))
    assert found == UserInfo("jane", "7", ("devs", "system:authenticated"), {"scopes": ("a",)})
    assert audiences == ("vault",)
    assert remote.asked[0]["apiVersion"] == "authentication.k8s.io/v1"
    assert remote.asked[0]["spec"] == {"token": "t", "audiences": ["vault"]}


@pytest.mark.parametrize(
    ("answer", "audiences", "error"),
    [
        (status(), (ISSUER,), "invalid bearer token"),
        (status(error="expired"), (ISSUER,), "expired"),
        (status(authenticated=True, audiences=["vault"]), (ISSUER,), "invalid bearer token"),
        (status(authenticated=True), ("vault",), "invalid bearer token"),
        (WebhookError("EOF"), (ISSUER,), "EOF"),
        (
            status(authenticated=True, user={"username": "jane", "groups": "devs"}),
            (ISSUER,),
            "unable to decode TokenReview: json: cannot unmarshal string into Go struct field "
            "UserInfo.status.user.groups of type []string",
        ),
    ],
)
async def test_a_token_is_nobodys(answer: Any, audiences: tuple[str, ...], error: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        await authenticator(Remote(answer)).verify("t", audiences)
    assert str(refused.value) == error


async def test_refusals_are_remembered_and_errors_are_not() -> None:
    clock, remote = Clock(), Remote(status())
    asked = authenticator(remote, clock)
    for token in ("stranger", "stranger", "expired", "expired"):
        remote.answers = [status() if token == "stranger" else status(error="expired")]
        with pytest.raises(InvalidToken):
            await asked.verify(token, (ISSUER,))
    assert [each["spec"]["token"] for each in remote.asked] == ["stranger", "expired", "expired"]


async def test_tokens_that_come_together_share_a_call() -> None:
    remote = Remote(status(authenticated=True, user={"username": "jane"}))
    asked = authenticator(remote)
    users = await asyncio.gather(*(asked.verify(token, (ISSUER,)) for token in ("a", "a", "b")))
    assert [user.name for user, _ in users] == ["jane"] * 3
    assert [each["spec"]["token"] for each in remote.asked] == ["a", "b"]


async def test_the_webhook_is_asked_for_tokens_that_nobody_else_knows() -> None:
    remote = Remote(status(authenticated=True, user={"username": "jane"}))
    known = {"static": UserInfo("bob")}
    asked = Authenticator(static_tokens=known, webhook=authenticator(remote), audiences=(ISSUER,))
    assert (await asked.review("static"))[0].name == "bob"
    assert remote.asked == []
    assert (await asked.review("opaque"))[0].name == "jane"
    remote.answers = [status(error="expired")]
    with pytest.raises(InvalidToken) as refused:
        await asked.review("old")
    assert refused.value.args == ("invalid bearer token", "expired")


def test_the_least_recently_used_of_too_much_is_forgotten() -> None:
    clock = Clock()
    cache: ExpiringCache[str, int] = ExpiringCache(2, clock)
    cache.add("a", 1, 10)
    cache.add("b", 2, 10)
    assert cache.get("a") == 1
    cache.add("c", 3, 10)
    assert [cache.get(key) for key in "abc"] == [1, None, 3]
    cache.add("d", 4, 0)
    assert cache.get("d") is None
    clock.seconds = 10
    assert cache.get("a") is None


@pytest.mark.parametrize(
    ("conditions", "counted"),
    [
        pytest.param((), (0, 0, 0), id="none"),
        pytest.param(("true",), (1, 0, 0), id="one that holds"),
        pytest.param(("true", "false"), (1, 1, 0), id="one that does not"),
        pytest.param(("request.nonResourceAttributes.path == '/'",), (1, 0, 1), id="one that fails"),
    ],
)
async def test_conditions_are_counted(conditions: Sequence[str], counted: tuple[float, ...]) -> None:
    counting = Counting()
    await authorizer(Remote(status(allowed=True)), conditions=conditions).authorize(PODS)
    families = ("evaluation_seconds_count", "exclusions_total", "evaluation_errors_total")
    prefix, labels = "apiserver_authorization_match_condition", {"type": "Webhook", "name": "ours"}
    assert tuple(counting.more(f"{prefix}_{each}", **labels) for each in families) == counted
