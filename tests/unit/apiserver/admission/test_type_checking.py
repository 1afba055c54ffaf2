"""What is wrong with policies that can be told before they are asked."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.resource import Resource
from apimachinery.schema import SchemaSet, builtin
from apiserver.admission.policies.type_checking import Kinds
from apiserver.policy_status import is_checked, with_status

DEPLOYMENTS = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
ANY = {"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}


def policy(expression: str, *rules: Object, **validation: Any) -> Object:
    spec = {
        "matchConstraints": {"resourceRules": list(rules or [DEPLOYMENTS])},
        "validations": [{"expression": expression, **validation}],
    }
    return {"metadata": {"name": "p", "generation": 2}, "spec": spec}


CRONTABS = Resource("stable.example.com", "v1", "crontabs", "CronTab", namespaced=True)
CRONTAB: Object = {
    "type": "object",
    "properties": {
        "metadata": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
        "spec": {
            "type": "object",
            "properties": {
                "replicas": {"type": "integer"},
                "port": {"x-kubernetes-int-or-string": True},
                "if": {"type": "boolean"},
                "anything": {"x-kubernetes-preserve-unknown-fields": True},
            },
        },
    },
    "x-kubernetes-group-version-kind": [{"group": "stable.example.com", "version": "v1", "kind": "CronTab"}],
}
KINDS = Kinds([CRONTABS], SchemaSet({**builtin().definitions, "CronTab": CRONTAB}))


def warnings(given: Object) -> list[tuple[str, str]]:
    told = with_status(given, KINDS)
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
    told = with_status(policy("true"), KINDS)
    assert told["status"] == {"observedGeneration": 2, "typeChecking": {}}
    assert is_checked(told)
    assert not is_checked(policy("true"))


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("object.spec.replicas > 1 && object.spec.port == 'x' && object.metadata.namespace == 'a'", ""),
        ("object.spec.if && oldObject.spec.if == object.spec.if", ""),
        ("object.spec == oldObject.spec", ""),
        (
            "object.spec.replicas > '1'",
            "1:22: found no matching overload for '_>_' applied to '(int, string)'",
        ),
        ("object.spec.anything == 1", "1:12: undefined field 'anything'"),
        ("object.metadata.name == '' && has(object.spec.size)", "1:34: undefined field 'size'"),
    ],
)
def test_custom_resources(expression: str, problem: str) -> None:
    crontabs = {"apiGroups": [CRONTABS.group], "apiVersions": ["v1"], "resources": ["crontabs"]}
    found = warnings(policy(expression, crontabs))
    if problem:
        ((_, text),) = found
        assert text.startswith(f"stable.example.com/v1, Kind=CronTab: ERROR: <input>:{problem}")
    else:
        assert found == []


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("object.spec.replicas + variables.n > 1", ""),
        ("object.spec.paused == 1", "1:20: found no matching overload for '_==_' applied to '(bool, int)'"),
        ("variables.n + 'a' == ''", "1:13: found no matching overload for '_+_' applied to '(int, string)'"),
        ("params.data['max'].size() > 1", ""),
        ("params.data.max > 1", "1:17: found no matching overload for '_>_' applied to '(string, int)'"),
        ("request.userInfo.name == ''", "1:17: undefined field 'name'"),
        ("namespaceObject.metadata.labels['a'] == 'b'", ""),
        ("authorizer.group('').resource('pods').check('get').allowed()", ""),
        ("object.spec.template.spec.containers.all(c, c.ports.all(p, p.containerPort < 1024))", ""),
        ("object.spec.strategy.rollingUpdate.maxSurge == '25%'", ""),
    ],
)
def test_types_that_do_not_fit(expression: str, problem: str) -> None:
    given = policy(expression)
    given["spec"]["variables"] = [{"name": "n", "expression": "object.spec.replicas + 1"}]
    given["spec"]["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
    found = warnings(given)
    if problem:
        ((_, text),) = found
        assert text.startswith(f"apps/v1, Kind=Deployment: ERROR: <input>:{problem}")
    else:
        assert found == []
