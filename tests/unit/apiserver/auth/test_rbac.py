"""RBAC: what rules allow, what they cover, and how decisions follow the objects."""

from __future__ import annotations

import pytest

from apimachinery.policy_rules import Rule, compact, uncovered
from apiserver.auth.rbac.escalation import escalation_text
from apiserver.request import UserInfo
from tests.unit.apiserver.auth.policy import Policy

PODS = Rule(("get", "list"), ("",), ("pods",))

ALLOWED = {
    "exactly": (PODS, "get", "", "pods", "", True),
    "another verb": (PODS, "delete", "", "pods", "", False),
    "another group": (PODS, "get", "apps", "pods", "", False),
    "a subresource is not the resource": (PODS, "get", "", "pods", "log", False),
    "a named subresource": (Rule(("get",), ("",), ("pods/log",)), "get", "", "pods", "log", True),
    "a subresource of all": (
        Rule(("get",), ("*",), ("*/scale",)),
        "get",
        "apps",
        "deployments",
        "scale",
        True,
    ),
    "everything": (Rule(("*",), ("*",), ("*",)), "patch", "x.io", "things", "status", True),
}


@pytest.mark.parametrize("row", ALLOWED.values(), ids=ALLOWED.keys())
def test_a_rule_allows(row: tuple[Rule, str, str, str, str, bool]) -> None:
    rule, verb, group, resource, subresource, expected = row
    assert rule.allows(verb, group, resource, subresource) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/healthz", "/healthz", True),
        ("/healthz", "/healthz/etcd", False),
        ("/api/*", "/api/v1", True),
        ("*", "/", True),
    ],
)
def test_paths_match_exactly_or_by_a_star_at_the_end(pattern: str, path: str, expected: bool) -> None:
    assert Rule(("get",), urls=(pattern,)).allows_path("get", path) is expected


COVERED = {
    "the same": ([PODS], PODS, []),
    "less": ([PODS], Rule(("get",), ("",), ("pods",), ("web",)), []),
    "one verb more": (
        [PODS],
        Rule(("get", "delete"), ("",), ("pods",)),
        [Rule(("delete",), ("",), ("pods",))],
    ),
    "only some names are held": (
        [Rule(("get",), ("",), ("pods",), ("web",))],
        Rule(("get",), ("",), ("pods",), ("web", "db")),
        [Rule(("get",), ("",), ("pods",), ("db",))],
    ),
    "names do not cover all": (
        [Rule(("get",), ("",), ("pods",), ("web",))],
        Rule(("get",), ("",), ("pods",)),
        [Rule(("get",), ("",), ("pods",))],
    ),
    "a star covers": ([Rule(("*",), ("*",), ("*",))], Rule(("x",), ("y",), ("z/a",)), []),
    "a path below a star": ([Rule(("get",), urls=("/api/*",))], Rule(("get",), urls=("/api/v1",)), []),
}


@pytest.mark.parametrize("row", COVERED.values(), ids=COVERED.keys())
def test_what_is_not_covered_is_found(row: tuple[list[Rule], Rule, list[Rule]]) -> None:
    owned, wanted, missing = row
    assert uncovered(owned, [wanted]) == missing


def test_single_grants_are_joined_again() -> None:
    parts = uncovered([], [Rule(("get", "list"), ("",), ("pods",))])
    assert compact(parts) == [Rule(("get", "list"), ("",), ("pods",))]


def test_an_escalation_is_told_in_upstreams_words() -> None:
    user = UserInfo("jane", groups=("devs",))
    assert escalation_text(user, [PODS], []) == (
        'user "jane" (groups=["devs"]) is attempting to grant RBAC permissions not currently held:\n'
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}'
    )


JANE = UserInfo("jane", groups=("devs",))
JANE_SUBJECT = {"kind": "User", "name": "jane"}


def test_a_role_binding_counts_in_its_namespace_only() -> None:
    policy = Policy()
    policy.role("reader", PODS)
    policy.bind("reader", JANE_SUBJECT, "shop")
    assert [policy.ask(JANE, "get", ns).allowed for ns in ("shop", "other", "")] == [True, False, False]


def test_a_decision_follows_a_new_binding() -> None:
    policy = Policy()
    policy.role("reader", PODS)
    assert not policy.ask(JANE, "get").allowed
    policy.bind("reader", {"kind": "Group", "name": "devs"})
    decision = policy.ask(JANE, "get")
    reason = 'RBAC: allowed by ClusterRoleBinding "b-reader" of ClusterRole "reader" to Group "devs"'
    assert (decision.allowed, decision.reason) == (True, reason)


def test_a_rule_with_names_allows_those_and_no_list() -> None:
    policy = Policy()
    policy.role("one", Rule(("*",), ("",), ("pods",), ("web",)))
    policy.bind("one", JANE_SUBJECT)
    answers = [policy.ask(JANE, *ask).allowed for ask in (("get", "", "web"), ("get", "", "db"), ("list",))]
    assert answers == [True, False, False]


def test_a_service_account_is_found_by_its_user_name() -> None:
    policy = Policy()
    policy.role("reader", PODS)
    policy.bind("reader", {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"})
    assert policy.ask(UserInfo("system:serviceaccount:shop:robot"), "get").allowed


def test_a_missing_role_is_told() -> None:
    policy = Policy()
    policy.bind("ghost", JANE_SUBJECT)
    reason = 'RBAC: clusterrole.rbac.authorization.k8s.io "ghost" not found'
    assert policy.ask(JANE, "get").reason == reason


def test_paths_are_allowed_by_cluster_roles() -> None:
    policy = Policy()
    policy.role("monitor", Rule(("get",), urls=("/metrics",)))
    policy.bind("monitor", JANE_SUBJECT)
    assert [policy.ask(JANE, "get", path=path).allowed for path in ("/metrics", "/debug")] == [True, False]
