"""FlowSchemas and PriorityLevelConfigurations: defaults, and what upstream refuses."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object, deep_copy
from apiserver.bootstrap.flow_control import mandatory, suggested
from apiserver.registry.strategies.flow_control import FlowSchemaStrategy, PriorityLevelStrategy
from apiserver.registry.strategy import Strategy

STRATEGIES: dict[str, Strategy] = {
    "FlowSchema": FlowSchemaStrategy(),
    "PriorityLevelConfiguration": PriorityLevelStrategy(),
}
OBJECTS = {
    (each.obj["kind"], each.obj["metadata"]["name"]): each.obj for each in (*mandatory(), *suggested())
}
SYSTEM = OBJECTS["PriorityLevelConfiguration", "system"]
NODES = OBJECTS["FlowSchema", "system-nodes"]
URLS = "rules.0.nonResourceRules.0.nonResourceURLs"


def complaints(obj: Object) -> list[str]:
    return [str(each) for each in STRATEGIES[obj["kind"]].validate(obj)]


@pytest.mark.parametrize("key", OBJECTS)
def test_bootstrap_objects_are_valid_and_have_their_defaults(key: tuple[str, str]) -> None:
    obj = deep_copy(OBJECTS[key])
    STRATEGIES[key[0]].default(obj)
    assert obj == OBJECTS[key]
    assert complaints(obj) == []


def changed(obj: Object, path: str, value: Any) -> Object:
    result = deep_copy(obj)
    *parents, last = path.split(".")
    holder = result["spec"]
    for each in parents:
        holder = holder[int(each)] if each.isdigit() else holder[each]
    holder[last] = value
    return result


def account(name: str, namespace: str) -> Object:
    return {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": namespace}}


@pytest.mark.parametrize(
    ("obj", "path", "value", "complaint"),
    [
        (NODES, "matchingPrecedence", -1, "must be a positive value"),
        (NODES, "matchingPrecedence", 1, "only the schema named 'exempt' may have matchingPrecedence 1"),
        (NODES, "matchingPrecedence", 10001, "must not be greater than 10000"),
        (NODES, "distinguisherMethod", {"type": "ByMood"}, "Unsupported value"),
        (NODES, "priorityLevelConfiguration", {}, "must reference a priority level"),
        (NODES, "rules.0.subjects", [], "subjects must contain at least one value"),
        (NODES, "rules.0.subjects", [{"kind": "Robot"}], "Unsupported value"),
        (NODES, "rules.0.subjects", [{"kind": "User"}], "user is required when subject kind is 'User'"),
        (
            NODES, "rules.0.subjects", [account("", "A")],
            "serviceAccount.namespace: Invalid value: \"A\": a lowercase RFC 1123 label",
        ),
        (NODES, "rules.0.subjects", [account("*", "*")], 'serviceAccount.namespace: Invalid value: "*"'),
        (NODES, "rules.0.subjects", [account("a b", "c")], 'serviceAccount.name: Invalid value: "a b"'),
        (NODES, "rules.0.resourceRules.0.verbs", ["*", "get"], "if '*' is present"),
        (NODES, "rules.0.resourceRules.0.verbs", ["look"], "Unsupported value"),
        (NODES, "rules.0.resourceRules.0.apiGroups", [], "at least one api group"),
        (
            NODES, "rules.0.resourceRules.0.namespaces", ["A b"],
            'Invalid value: "A b": each member of this list must be \'*\' or a DNS-1123 label; a lowercase',
        ),
        (NODES, URLS, [], "must contain at least one value"),
        (NODES, URLS, ["*", "/a"], "if '*' is present"),
        (NODES, URLS, [""], 'Invalid value: "": must not be empty'),
        (NODES, URLS, ["a"], 'Invalid value: "a": must start with slash'),
        (NODES, URLS, ["/a b"], 'Invalid value: "/a b": must not contain white-space'),
        (NODES, URLS, ["//"], 'Invalid value: "//": must not contain double slash'),
        (NODES, URLS, ["/a*"], 'Invalid value: "/a*": wildcard can only do suffix matching'),
        (NODES, URLS, ["/*/*"], 'Invalid value: "/*/*": wildcard can only do suffix matching'),
        (SYSTEM, "type", "Exempt", "must be 'Exempt' if and only if `name` is 'exempt'"),
        (SYSTEM, "type", "Free", "Unsupported value"),
        (SYSTEM, "limited.lendablePercent", 101, "must be between 0 and 100, inclusive"),
        (SYSTEM, "limited.borrowingLimitPercent", -1, "if specified, must be a non-negative integer"),
        (SYSTEM, "limited.limitResponse.type", "Reject", "must be nil if limited.limitResponse.type"),
        (SYSTEM, "limited.limitResponse.queuing.handSize", 65, "should not be greater than queues (64)"),
        (SYSTEM, "limited.limitResponse.queuing.queues", 10_000_001, "must not be greater than 10000000"),
        (SYSTEM, "limited.limitResponse.queuing.handSize", 12, "handSize 12 should not be greater than 60$"),
        (
            OBJECTS["FlowSchema", "catch-all"], "matchingPrecedence", 500,
            "spec of 'catch-all' must equal the fixed value",
        ),
        (
            OBJECTS["PriorityLevelConfiguration", "exempt"], "type", "Limited",
            "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(obj: Object, path: str, value: Any, complaint: str) -> None:
    assert any(complaint in f"{each}$" for each in complaints(changed(obj, path, value)))


def test_no_precedence_is_a_thousand() -> None:
    obj = changed(NODES, "matchingPrecedence", 0)
    STRATEGIES["FlowSchema"].default(obj)
    assert obj["spec"]["matchingPrecedence"] == 1000


def test_a_root_and_a_last_star_are_paths() -> None:
    assert complaints(changed(NODES, URLS, ["/", "/a/*"])) == []
