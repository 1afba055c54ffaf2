"""SubjectAccessReviews: what is wrong with a question, and what it asks."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.request import UserInfo
from apiserver.subresources.access_spec import attributes_of, check_access_spec

PHASE = {"key": "status.phase", "operator": "In", "values": ["Running"]}


def selecting(**selectors: Object) -> Object:
    return {"user": "x", "resourceAttributes": {"verb": "list", "resource": "pods", **selectors}}


ACCESS: dict[str, tuple[Object, dict[str, Any], list[str]]] = {
    "a resource": ({"user": "x", "resourceAttributes": {}}, {}, []),
    "nothing": ({"user": "x"}, {}, ["spec.resourceAttributes"]),
    "both": (
        {"user": "x", "resourceAttributes": {}, "nonResourceAttributes": {}},
        {},
        ["spec.nonResourceAttributes"],
    ),
    "nobody": ({"resourceAttributes": {}}, {}, ["spec.user"]),
    "oneself": ({"resourceAttributes": {}}, {"is_self": True}, []),
    "another namespace": (
        {"user": "x", "resourceAttributes": {"namespace": "a"}},
        {"namespace": "b"},
        ["spec.resourceAttributes.namespace"],
    ),
    "a field": (selecting(fieldSelector={"requirements": [PHASE]}), {}, []),
    "a selector as text": (selecting(labelSelector={"rawSelector": "app=web"}), {}, []),
    "a selector twice": (
        selecting(fieldSelector={"rawSelector": "a=b", "requirements": [PHASE]}),
        {},
        ["spec.resourceAttributes.fieldSelector.rawSelector"],
    ),
    "an empty selector": (
        selecting(labelSelector={}),
        {},
        ["spec.resourceAttributes.labelSelector.requirements"],
    ),
    "requirements that are none": (
        selecting(
            fieldSelector={"requirements": [{"operator": "In"}, {"key": "a", "operator": "Like"}]},
            labelSelector={"requirements": [{"key": "app", "operator": "Exists", "values": ["x"]}]},
        ),
        {},
        [
            "spec.resourceAttributes.fieldSelector.requirements[0].key",
            "spec.resourceAttributes.fieldSelector.requirements[0].values",
            "spec.resourceAttributes.fieldSelector.requirements[1].operator",
            "spec.resourceAttributes.labelSelector.requirements[0].values",
        ],
    ),
}


@pytest.mark.parametrize("row", ACCESS.values(), ids=ACCESS.keys())
def test_a_question_about_rights_is_checked(row: tuple[Object, dict[str, Any], list[str]]) -> None:
    spec, how, expected = row
    errors = check_access_spec(spec, **{"is_self": False, "namespace": "", **how})
    assert [error.path for error in errors] == expected


BOTH = {**PHASE, "values": ["Running", "Failed"]}
A, NOT_D = (
    {"key": "a", "operator": "In", "values": ["b"]},
    {"key": "c", "operator": "NotIn", "values": ["d"]},
)


@pytest.mark.parametrize(
    ("selector", "fields", "labels"),
    [
        ({"requirements": [PHASE]}, (PHASE,), [PHASE]),
        ({"requirements": [BOTH]}, (), [BOTH]),
        ({"rawSelector": "a=b,c!=d"}, (A, NOT_D), (A, NOT_D)),
        ({"rawSelector": "a in ("}, (), ()),
        ({"rawSelector": "!a"}, (), ({"key": "a", "operator": "DoesNotExist"},)),
    ],
)
def test_what_selectors_demand(selector: Object, fields: Any, labels: Any) -> None:
    asked = attributes_of(UserInfo("x"), selecting(fieldSelector=selector, labelSelector=selector))
    assert (asked.field_selector, asked.label_selector) == (fields, labels)


def test_a_path_is_asked_for_by_its_verb() -> None:
    asked = attributes_of(UserInfo("x"), {"nonResourceAttributes": {"verb": "get", "path": "/metrics"}})
    assert (asked.verb, asked.path, asked.is_resource) == ("get", "/metrics", False)
