"""Which writes rules and selectors cover."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import (
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    HORIZONTAL_POD_AUTOSCALERS_V1,
    NAMESPACES,
    NODES,
    PODS,
    VALIDATING_WEBHOOK_CONFIGURATIONS,
    Resource,
)
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.matching import Criteria, Matcher, is_exempt
from apiserver.registry.forms import StoredForms
from apiserver.registry.strategy import Strategy
from apiserver.request import UserInfo


def write(
    resource: Resource = PODS,
    operation: Operation = "CREATE",
    subresource: str = "",
    labels: dict[str, str] | None = None,
    old: Object | None = None,
) -> Attributes:
    obj = {"metadata": {"name": "x", "labels": labels or {}}}
    namespace = "shop" if resource.namespaced else ""
    forms = StoredForms(HORIZONTAL_POD_AUTOSCALERS, Strategy())
    return Attributes(
        operation, resource, subresource, namespace, "x", obj, old, UserInfo("jane"),
        forms=forms if resource.group == "autoscaling" else StoredForms(resource, Strategy()),
    )  # fmt: skip


def rule(resources: str = "*", **fields: Any) -> Object:
    everything = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"]}
    return {**everything, "resources": resources.split(), **fields}


@pytest.mark.parametrize(
    ("given", "attributes", "expected"),
    [
        (rule(), write(), True),
        (rule("pods"), write(), True),
        (rule("services"), write(), False),
        (rule("pods", operations=["UPDATE", "DELETE"]), write(), False),
        (rule("pods", apiGroups=["apps"]), write(), False),
        (rule("deployments", apiGroups=["apps"]), write(DEPLOYMENTS), True),
        (rule("pods", apiVersions=["v1beta1"]), write(), False),
        (rule("pods"), write(subresource="status"), False),
        (rule("*"), write(subresource="status"), False),
        (rule("pods/status"), write(subresource="status"), True),
        (rule("pods/*"), write(subresource="status"), True),
        (rule("pods/*"), write(), True),
        (rule("*/*"), write(subresource="exec"), True),
        (rule("*/scale"), write(DEPLOYMENTS, subresource="scale"), True),
        (rule(scope="Namespaced"), write(), True),
        (rule(scope="Cluster"), write(), False),
        (rule(scope="Cluster"), write(NODES), True),
        (rule(scope="Cluster"), write(NAMESPACES), True),
        (rule(scope="Namespaced"), write(NAMESPACES), False),
        (rule(resourceNames=["x"]), write(), True),
        (rule(resourceNames=["y"]), write(), False),
    ],
)
def test_rules(given: Object, attributes: Attributes, expected: bool) -> None:
    criteria = Criteria.parse({"resourceRules": [given]})
    assert (criteria.version(attributes) is not None) == expected


@pytest.mark.parametrize(
    ("policy", "versions", "expected"),
    [
        ("Equivalent", ["v1"], HORIZONTAL_POD_AUTOSCALERS_V1),
        ("Exact", ["v1"], None),
        ("Equivalent", ["v2"], HORIZONTAL_POD_AUTOSCALERS),
        ("Equivalent", ["v1", "v2"], HORIZONTAL_POD_AUTOSCALERS),
        ("Equivalent", ["v3"], None),
    ],
)
def test_another_version_of_the_same_counts_if_the_policy_says_so(
    policy: str, versions: list[str], expected: Resource | None
) -> None:
    criteria = Criteria.parse({"resourceRules": [rule(apiVersions=versions)], "matchPolicy": policy})
    assert criteria.version(write(HORIZONTAL_POD_AUTOSCALERS)) == expected


def test_what_is_excluded_is_not_covered() -> None:
    criteria = Criteria.parse({"resourceRules": [rule()], "excludeResourceRules": [rule("pods")]})
    assert criteria.version(write()) is None
    assert criteria.version(write(DEPLOYMENTS)) == DEPLOYMENTS


NAMESPACE = {"metadata": {"name": "shop", "labels": {"team": "a"}}}


def matcher(namespace: Object | None = NAMESPACE) -> Matcher:
    async def fresh(resource: Resource, name_space: str, name: str) -> Object | None:
        return namespace

    return Matcher(lambda resource, name_space, name: None, fresh)


@pytest.mark.parametrize(
    ("selector", "attributes", "expected"),
    [
        ({"namespaceSelector": {"matchLabels": {"team": "a"}}}, write(), True),
        ({"namespaceSelector": {"matchLabels": {"team": "b"}}}, write(), False),
        ({"namespaceSelector": {"matchLabels": {"team": "b"}}}, write(NODES), True),
        (
            {"namespaceSelector": {"matchLabels": {"team": "b"}}},
            write(NAMESPACES, labels={"team": "b"}),
            True,
        ),
        (
            {"namespaceSelector": {"matchLabels": {"team": "b"}}},
            write(NAMESPACES, labels={"team": "a"}),
            False,
        ),
        ({"objectSelector": {"matchLabels": {"a": "1"}}}, write(labels={"a": "1"}), True),
        ({"objectSelector": {"matchLabels": {"a": "1"}}}, write(), False),
        (
            {"objectSelector": {"matchLabels": {"a": "1"}}},
            write(old={"metadata": {"labels": {"a": "1"}}}),
            True,
        ),
    ],
)
async def test_selectors(selector: Object, attributes: Attributes, expected: bool) -> None:
    criteria = Criteria.parse({"resourceRules": [rule()], **selector})
    assert (await matcher().version(criteria, attributes) is not None) == expected


async def test_a_namespace_that_is_not_there_is_an_error_only_where_it_is_asked_for() -> None:
    selected = {"namespaceSelector": {"matchLabels": {"team": "a"}}}
    with pytest.raises(NotFoundError):
        await matcher(None).version(Criteria.parse({"resourceRules": [rule()], **selected}), write())
    other = Criteria.parse({"resourceRules": [rule("services")], **selected})
    assert await matcher(None).version(other, write()) is None


def test_configurations_of_admission_are_exempt() -> None:
    assert is_exempt(VALIDATING_WEBHOOK_CONFIGURATIONS)
    assert not is_exempt(PODS)
