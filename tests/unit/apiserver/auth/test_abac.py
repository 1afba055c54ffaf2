"""ABAC: what a line of a policy file allows, and lines that are none."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apimachinery.policy_rules import Rule
from apiserver.auth.abac import ABACAuthorizer, Policy, parse_policies
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorizer import Decision
from apiserver.config_files import ConfigError
from apiserver.request import UserInfo

JANE = UserInfo("jane", groups=("devs", "system:authenticated"))
NOBODY = UserInfo("system:anonymous", groups=("system:unauthenticated",))
EVERYTHING = {"apiGroup": "*", "resource": "*", "namespace": "*"}


def policies(*specs: dict[str, Any], versioned: bool = True) -> list[Policy]:
    head = {"apiVersion": "abac.authorization.kubernetes.io/v1beta1", "kind": "Policy"}
    lines = [orjson.dumps({**head, "spec": each} if versioned else each) for each in specs]
    return list(parse_policies(b"\n".join([b"# who may what", b"", *lines]), "p.jsonl"))


def get(user: UserInfo = JANE, verb: str = "get", namespace: str = "shop", group: str = "") -> Attributes:
    return Attributes(user, verb, namespace, group, "v1", "pods", is_resource=True)


def path(where: str, user: UserInfo = JANE, verb: str = "get") -> Attributes:
    return Attributes(user, verb, path=where)


@pytest.mark.parametrize(
    ("spec", "asked", "expected"),
    [
        pytest.param({"user": "jane", **EVERYTHING}, get(), True, id="everything"),
        pytest.param({"user": "bob", **EVERYTHING}, get(), False, id="of somebody else"),
        pytest.param({"group": "devs", **EVERYTHING}, get(), True, id="of a group"),
        pytest.param({"user": "jane", "group": "ops", **EVERYTHING}, get(), False, id="user and group"),
        pytest.param(EVERYTHING, get(), False, id="of nobody"),
        pytest.param({"user": "*", **EVERYTHING}, get(), True, id="of everybody known"),
        pytest.param({"group": "*", **EVERYTHING}, get(NOBODY), False, id="and of nobody unknown"),
        pytest.param({"user": "jane", "readonly": True, **EVERYTHING}, get(verb="watch"), True, id="reads"),
        pytest.param({"user": "jane", "readonly": True, **EVERYTHING}, get(verb="patch"), False, id="writes"),
        pytest.param({"user": "jane", "resource": "pods", "namespace": "shop"}, get(), True, id="pods"),
        pytest.param(
            {"user": "jane", "resource": "pods", "namespace": "bank"}, get(), False, id="pods elsewhere"
        ),
        pytest.param(
            {"user": "jane", "resource": "pods", "namespace": "*"}, get(group="x"), False, id="another group"
        ),
        pytest.param({"user": "jane", **EVERYTHING}, path("/version"), False, id="no path"),
        pytest.param({"user": "jane", "nonResourcePath": "*"}, path("/version"), True, id="any path"),
        pytest.param({"user": "jane", "nonResourcePath": "/api*"}, path("/apis"), True, id="below a path"),
        pytest.param({"user": "jane", "nonResourcePath": "/api"}, path("/apis"), False, id="one path"),
        pytest.param({"user": "jane", "nonResourcePath": "*"}, get(), False, id="a path is no resource"),
    ],
)
async def test_what_a_policy_allows(spec: dict[str, Any], asked: Attributes, expected: bool) -> None:
    decision = await ABACAuthorizer(policies(spec)).authorize(asked)
    assert decision == (Decision(allowed=True) if expected else Decision(reason="No policy matched."))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({}, Policy("", "system:authenticated", False, "*", "*", "*", "*")),
        ({"user": "jane", "readonly": True}, Policy("jane", "", True, "*", "*", "*", "*")),
        ({"user": "jane", "resource": "pods"}, Policy("jane", "", False, "*", "pods", "*")),
    ],
)
def test_a_line_without_a_version_allows_what_it_does_not_mention(line: Any, expected: Policy) -> None:
    assert policies(line, versioned=False) == [expected]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"user":', "unexpected end of data"),
        ("[]", "no object"),
        ('{"kind": "Pod", "apiVersion": "v1"}', 'no kind "Pod" is registered for version "v1"'),
    ],
)
def test_a_line_that_is_no_policy(line: str, why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        list(parse_policies(f"\n{line}".encode(), "p.jsonl"))
    assert str(refused.value).startswith(f"error reading policy file p.jsonl, line 2: {line}: ")
    assert why in str(refused.value)


def test_what_a_user_may_do() -> None:
    authorizer = ABACAuthorizer(
        policies(
            {"user": "jane", "resource": "pods", "namespace": "shop", "readonly": True},
            {"user": "jane", "resource": "pods", "namespace": "bank"},
            {"group": "devs", "namespace": "*", "nonResourcePath": "/version"},
            {"user": "bob", **EVERYTHING},
        )
    )
    reads = ("get", "list", "watch")
    found = authorizer.rules_of(JANE, "shop")
    assert found.rules == [Rule(reads, ("",), ("pods",)), Rule(("*",), urls=("/version",))]
