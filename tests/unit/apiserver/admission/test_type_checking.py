"""What is wrong with policies that can be told before they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.policy_status import with_status

DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
ANY = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}


def policy(expression: str, *rules: Object, **validation: Any) -> Object:
    spec = {
        "matchConstraints": {"resourceRules": list(rules or [DEPLOYMENTS])},
        "validations": [{"expression": expression, **validation}],
    }
    return {"metadata": {"name": "p", "generation": 2}, "spec": spec}


def warnings(given: Object) -> list[tuple[str, str]]:
    told = with_status(given)
    assert told is not None
    found = told["status"]["typeChecking"].get("expressionWarnings") or []
    return [(each["fieldRef"], each["warning"]) for each in found]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("object.spec.replicas > 1", ""),
        ("object.metadata.labels['a'] == 'b' && object.metadata.labels.all(k, k != '')", ""),
        ("object.spec.template.spec.containers.all(c, has(c.image))", ""),
        ("object.foo > 1", "ERROR: <input>:1:7: undefined field 'foo'\n | object.foo > 1\n | ......^"),
        (
            "object.spec.template.spec.containers.all(c, c.picture != '')",
            "ERROR: <input>:1:46: undefined field 'picture'\n"
            " | object.spec.template.spec.containers.all(c, c.picture != '')\n"
            f" | {'.' * 45}^",
        ),
    ],
)
def test_fields_that_a_kind_does_not_have(expression: str, problem: str) -> None:
    expected = [("spec.validations[0].expression", f"apps/v1, Kind=Deployment: {problem}\n")]
    assert warnings(policy(expression)) == (expected if problem else [])


def test_only_kinds_that_are_named_are_looked_at() -> None:
    assert warnings(policy("object.foo > 1", ANY)) == []
    both = {**DEPLOYMENTS, "resources": ["deployments", "replicasets"]}
    ((_, text),) = warnings(policy("object.spec.strategy.type == ''", both))
    assert text.startswith("apps/v1, Kind=ReplicaSet: ERROR")


def test_messages_are_checked_too() -> None:
    given = policy("true", messageExpression="'name: ' + object.name")
    assert [place for place, _ in warnings(given)] == ["spec.validations[0].messageExpression"]


def test_what_has_been_told_is_not_told_again() -> None:
    told = with_status(policy("true"))
    assert told is not None
    assert told["status"] == {"observedGeneration": 2, "typeChecking": {}}
    assert with_status(told) is None
