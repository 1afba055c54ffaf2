"""What admission's configurations may say, in upstream's words."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.field import Path
from apimachinery.objects import Object
from apiserver.registry.strategies.admission_policies import (
    AdmissionPolicyBindingStrategy,
    AdmissionPolicyStrategy,
)
from apiserver.registry.strategies.webhooks import WebhookConfigurationStrategy, validate_service
from apiserver.registry.strategy import Strategy

RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
GOOD = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "true"}]}


def errors_of(strategy: Strategy, spec: Object) -> list[str]:
    obj = {"metadata": {"name": "p"}, "spec": spec}
    strategy.default(obj)
    return [str(each) for each in strategy.validate(obj)]


def validations(*given: Object, **spec: Any) -> Object:
    return {**GOOD, "validations": list(given), **spec}


UNDECLARED = (
    'Invalid value: "nothing": compilation failed: '
    "ERROR: <input>:1:1: undeclared reference to 'nothing' (in container '')\n | nothing\n | ^"
)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (GOOD, []),
        (
            {},
            [
                "spec.matchConstraints: Required value",
                "spec.validations: Required value: "
                "validations or auditAnnotations must contain at least one item",
                "spec.auditAnnotations: Required value: "
                "validations or auditAnnotations must contain at least one item",
            ],
        ),
        (
            validations({"expression": " "}),
            ["spec.validations[0].expression: Required value: expression is not specified"],
        ),
        (validations({"expression": "nothing"}), [f"spec.validations[0].expression: {UNDECLARED}"]),
        (
            validations({"expression": "1 + 1"}),
            [
                'spec.validations[0].expression: Invalid value: "1 + 1": must evaluate to bool but got int',
            ],
        ),
        (
            validations({"expression": "object.spec"}),
            [
                'spec.validations[0].expression: Invalid value: "object.spec": '
                "must evaluate to bool but got dyn"
            ],
        ),
        (
            validations({"expression": "variables.b"}, variables=[{"name": "a", "expression": "1"}]),
            [
                'spec.validations[0].expression: Invalid value: "variables.b": '
                "compilation failed: ERROR: <input>:1:10: undefined field 'b'\n"
                " | variables.b\n | .........^"
            ],
        ),
        (
            validations({"expression": "params.x == 1"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
            [],
        ),
        (
            validations({"expression": "true", "message": "a\nb", "reason": "Gone"}),
            [
                'spec.validations[0].message: Invalid value: "a\\nb": message must not contain line breaks',
                'spec.validations[0].reason: Unsupported value: "Gone": '
                'supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"',
            ],
        ),
        (
            validations(
                {"expression": "true", "messageExpression": "authorizer.path('/').check('get').reason()"}
            ),
            [
                "spec.validations[0].messageExpression: Invalid value: "
                "\"authorizer.path('/').check('get').reason()\": compilation failed: "
                "ERROR: <input>:1:1: undeclared reference to 'authorizer' (in container '')\n"
                " | authorizer.path('/').check('get').reason()\n | ^"
            ],
        ),
        (
            validations({"expression": "true"}, variables=[{"name": "if", "expression": "1"}]),
            ['spec.variables[0].name: Invalid value: "if": name is not a valid CEL identifier'],
        ),
        (
            validations({"expression": "true"}, auditAnnotations=[{"key": "k", "valueExpression": "1"}]),
            [
                'spec.auditAnnotations[0].valueExpression: Invalid value: "1": '
                "must evaluate to one of [string null_type] but got int"
            ],
        ),
    ],
)
def test_policies(spec: Object, expected: list[str]) -> None:
    assert errors_of(AdmissionPolicyStrategy(), spec) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"policyName": "p", "validationActions": ["Deny"]}, []),
        (
            {},
            [
                "spec.policyName: Required value",
                "spec.validationActions: Required value: at least one validation action is required",
            ],
        ),
        (
            {"policyName": "p", "validationActions": ["Deny", "Warn"]},
            [
                'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn '
                "(repeating the same validation failure information in the API response and headers "
                "serves no purpose)"
            ],
        ),
        (
            {"policyName": "p", "validationActions": ["Deny"], "paramRef": {"name": "x", "selector": {}}},
            [
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.parameterNotFoundAction: Required value",
            ],
        ),
    ],
)
def test_bindings(spec: Object, expected: list[str]) -> None:
    assert errors_of(AdmissionPolicyBindingStrategy(), spec) == expected


def test_match_conditions_of_webhooks() -> None:
    conditions = [{"name": "a", "expression": "nothing"}, {"name": "a", "expression": "true"}, {"name": ""}]
    webhook = {
        "name": "w.example.com", "clientConfig": {"url": "https://h/"}, "sideEffects": "None",
        "admissionReviewVersions": ["v1"], "matchConditions": conditions,
    }  # fmt: skip
    errors = WebhookConfigurationStrategy(mutating=False).validate({"webhooks": [webhook]})
    assert [str(each) for each in errors] == [
        f"webhooks[0].matchConditions[0].expression: {UNDECLARED}",
        'webhooks[0].matchConditions[1].name: Duplicate value: "a"',
        "webhooks[0].matchConditions[2].expression: Required value",
        "webhooks[0].matchConditions[2].name: Required value",
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (None, []),
        ("", []),
        ("/", []),
        ("/always-deny/", []),
        ("deny", ["must start with a '/'"]),
        ("//", ["segment[0] may not be empty"]),
        ("/a//b", ["segment[1] may not be empty"]),
    ],
)
def test_the_path_of_a_service_may_be_empty(target: str | None, expected: list[str]) -> None:
    service = {"name": "s", "namespace": "n", "path": target}
    path = Path("service")
    assert [each.detail for each in validate_service(service, path)] == expected


def test_each_step_of_a_path_is_a_name() -> None:
    (error,) = validate_service({"name": "s", "namespace": "n", "path": "/A"}, Path("service"))
    assert str(error).startswith(
        'service.path: Invalid value: "/A": segment[0]: a lowercase RFC 1123 subdomain'
    )
