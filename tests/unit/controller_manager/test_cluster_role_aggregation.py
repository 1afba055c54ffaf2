"""ClusterRoles that gather the rules of others: which rules, and that they follow every change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from apimachinery.objects import Object
from apimachinery.rbac import aggregated_rules
from apimachinery.scheme import CLUSTER_ROLES
from controller_manager.cluster_role_aggregation import ClusterRoleAggregationController
from tests.unit.controller_manager.cluster import Cluster, running


def rule(resource: str) -> Object:
    return {"apiGroups": [""], "resources": [resource], "verbs": ["get"]}


def role(name: str, *resources: str, to: str = "") -> Object:
    labels = {f"to-{to}": "true"} if to else {}
    return {"metadata": {"name": name, "labels": labels}, "rules": [rule(each) for each in resources]}


def gatherer(name: str, *selected: str, to: str = "") -> Object:
    selectors = [{"matchLabels": {f"to-{each}": "true"}} for each in selected]
    return {**role(name, to=to), "aggregationRule": {"clusterRoleSelectors": selectors}}


def names(rules: list[Object]) -> list[str]:
    return [each["resources"][0] for each in rules]


@pytest.mark.parametrize(
    ("selected", "others", "expected"),
    [
        (["a"], [role("z", "pods", to="a"), role("b", "nodes", to="a")], ["nodes", "pods"]),
        (["b", "a"], [role("x", "pods", to="a"), role("y", "nodes", to="b")], ["nodes", "pods"]),
        (["a"], [role("x", "pods", "pods", to="a"), role("y", "pods", to="a")], ["pods"]),
        (["a"], [role("x", "pods", to="b")], []),
        (["a"], [role("all", "secrets", to="a")], []),
    ],
    ids=["by name", "by selector", "each once", "not chosen", "not its own"],
)
def test_which_rules_are_gathered(selected: list[str], others: list[Object], expected: list[str]) -> None:
    assert names(aggregated_rules(gatherer("all", *selected), others)) == expected


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    async with running(Cluster([ClusterRoleAggregationController], [CLUSTER_ROLES])) as it:
        yield it


def rules_of(it: Cluster, name: str) -> list[str]:
    found = [each for each in it.api.find(CLUSTER_ROLES) if each["metadata"]["name"] == name]
    return names(found[0].get("rules") or [])


@pytest.mark.looptime
async def test_roles_that_come_later_are_gathered_through_two_levels() -> None:
    async with cluster() as it:
        for each in (gatherer("admin", "admin"), gatherer("view", "view", to="admin")):
            await it.api.create(CLUSTER_ROLES, each)
        await it.api.create(CLUSTER_ROLES, role("crd-view", "crontabs", to="view"))
        await it.until(lambda: rules_of(it, "admin") == rules_of(it, "view") == ["crontabs"])
        await it.api.delete(CLUSTER_ROLES, "crd-view")
        await it.until(lambda: rules_of(it, "admin") == rules_of(it, "view") == [])
