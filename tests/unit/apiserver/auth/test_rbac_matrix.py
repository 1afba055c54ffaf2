"""RBAC against a slow and obvious reading of it: every subject x verb x resource, random policies."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.policy_rules import Rule, uncovered
from apimachinery.scheme import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, ROLE_BINDINGS, ROLES
from apiserver.auth.attributes import Attributes
from apiserver.request import UserInfo
from tests.unit.apiserver.auth.policy import Policy, at_once

USERS = (
    UserInfo("jane", groups=("devs", "system:authenticated")),
    UserInfo("bob", groups=("system:authenticated",)),
    UserInfo("system:serviceaccount:shop:robot", groups=("system:serviceaccounts", "system:authenticated")),
    UserInfo("system:anonymous", groups=("system:unauthenticated",)),
)
SUBJECTS: tuple[Object, ...] = (
    {"kind": "User", "name": "jane"},
    {"kind": "User", "name": "devs"},
    {"kind": "Group", "name": "devs"},
    {"kind": "Group", "name": "system:authenticated"},
    {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"},
    {"kind": "ServiceAccount", "name": "robot"},
)
VERBS = ("get", "list", "create", "impersonate")
GROUPS = ("", "apps")
RESOURCES = ("pods", "pods/log", "deployments", "deployments/scale")
NAMES = ("", "web", "db")
NAMESPACES = ("", "shop", "bank")
PATHS = ("/metrics", "/api", "/api/v1", "/")
WRITTEN_RESOURCES = (*RESOURCES, "*", "*/scale", "pods/*")
WRITTEN_PATHS = (*PATHS, "/api/*", "/api*", "*")


def some(rng: random.Random, values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(rng.sample(values, rng.randint(1, 2)))


def random_rule(rng: random.Random, *, namespaced: bool) -> Rule:
    if not namespaced and rng.random() < 0.3:
        return Rule(some(rng, (*VERBS, "*")), urls=some(rng, WRITTEN_PATHS))
    names = some(rng, NAMES[1:]) if rng.random() < 0.3 else ()
    return Rule(some(rng, (*VERBS, "*")), some(rng, (*GROUPS, "*")), some(rng, WRITTEN_RESOURCES), names)


def random_policy(rng: random.Random) -> Policy:
    policy = Policy()
    for name, namespace in product(("a", "b"), NAMESPACES):
        rules = (random_rule(rng, namespaced=bool(namespace)) for _ in range(rng.randint(0, 2)))
        policy.role(name, *rules, namespace=namespace)
    for _ in range(4):
        namespace = rng.choice(NAMESPACES)
        kind = rng.choice(("Role", "ClusterRole")) if namespace else "ClusterRole"
        policy.bind(rng.choice(("a", "b", "ghost")), rng.choice(SUBJECTS), namespace, kind)
    return policy


def every_question(user: UserInfo) -> Iterator[Attributes]:
    for verb, group, resource, name, namespace in product(VERBS, GROUPS, RESOURCES, NAMES, NAMESPACES):
        plural, _, subresource = resource.partition("/")
        yield Attributes(user, verb, namespace, group, "v1", plural, subresource, name, is_resource=True)
    for verb, path in product(VERBS, PATHS):
        yield Attributes(user, verb, path=path)


def is_allowed(policy: Policy, asked: Attributes) -> bool:
    """RBAC as its documentation tells it, one object after the other."""
    return any(allows(rule, asked) for rule in granted(policy, asked.user, asked.namespace))


def granted(policy: Policy, user: UserInfo, namespace: str) -> Iterator[Any]:
    for resource, roles in ((CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES), (ROLE_BINDINGS, ROLES)):
        for binding in policy.views[resource].found:
            if resource == ROLE_BINDINGS and binding.namespace != namespace:
                continue
            if not any(is_meant(subject, user, binding.namespace) for subject in binding.obj["subjects"]):
                continue
            reference = binding.obj["roleRef"]
            kind = CLUSTER_ROLES if reference["kind"] == "ClusterRole" else roles
            for role in policy.views[kind].found:
                home = binding.namespace if kind == ROLES else ""
                if (role.name, role.namespace) == (reference["name"], home):
                    yield from role.obj["rules"]


def is_meant(subject: Object, user: UserInfo, namespace: str) -> bool:
    if subject["kind"] == "Group":
        return subject["name"] in user.groups
    if subject["kind"] == "User":
        return bool(subject["name"] == user.name)
    where = subject.get("namespace", namespace)
    return user.name == f"system:serviceaccount:{where}:{subject['name']}"


def allows(rule: Object, asked: Attributes) -> bool:
    if asked.verb not in rule["verbs"] and "*" not in rule["verbs"]:
        return False
    if not asked.is_resource:
        return any(
            url == asked.path or (url.endswith("*") and asked.path.startswith(url[:-1]))
            for url in rule.get("nonResourceURLs", ())
        )
    if asked.group not in rule.get("apiGroups", ()) and "*" not in rule.get("apiGroups", ()):
        return False
    resources = rule.get("resources", ())
    spoken_of = {"*", asked.full_resource} | ({f"*/{asked.subresource}"} if asked.subresource else set())
    names = rule.get("resourceNames", ())
    return bool(spoken_of & set(resources)) and (not names or asked.name in names)


@pytest.mark.parametrize("seed", range(12))
def test_the_authorizer_agrees_with_the_obvious_reading(seed: int) -> None:
    policy = random_policy(random.Random(seed))
    for user in USERS:
        for asked in every_question(user):
            assert at_once(policy.authorizer.authorize(asked)).allowed == is_allowed(policy, asked), asked


@pytest.mark.parametrize("seed", range(50))
def test_rules_cover_others_only_if_they_allow_all_that_those_allow(seed: int) -> None:
    rng = random.Random(seed)
    owned = [random_rule(rng, namespaced=False) for _ in range(3)]
    wanted = random_rule(rng, namespaced=False)
    if uncovered(owned, [wanted]):
        return
    for asked in every_question(USERS[0]):
        if allows(wanted.to_object(), asked):
            assert any(allows(rule.to_object(), asked) for rule in owned), asked
