"""The APIServices of our own: which there are, and when they are put right."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object, name_of
from apimachinery.scheme import APIREGISTRATION, BUILTIN
from apiserver.aggregation.local import ALWAYS, AUTOMANAGED, ON_START, Plan, built_in, custom, plan

APPS, WIDGETS = built_in([("apps", "v1")])[0], custom([("example.com", "v1")])[0]


def changed(service: Object, *, managed: str = "", **spec: Any) -> Object:
    labels = {AUTOMANAGED: managed} if managed else {}
    return {**service, "metadata": {**service["metadata"], "labels": labels}, "spec": service["spec"] | spec}


def test_every_built_in_version_has_one() -> None:
    """But for apiregistration.k8s.io, as upstream's."""
    versions = {(each.group, each.version) for each in BUILTIN if each.group != APIREGISTRATION}
    services = built_in(versions)
    assert {(each["spec"].get("group", ""), each["spec"]["version"]) for each in services} == versions
    assert APPS["metadata"] == {"name": "v1.apps", "labels": {AUTOMANAGED: "onstart"}}
    core = next(each for each in services if each["metadata"]["name"] == "v1.")
    assert core["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}


OFF = changed(APPS, managed=ON_START, versionPriority=7)
CASES: list[Any] = [
    ("what is missing is made", [APPS, WIDGETS], [], True, Plan(create=(APPS, WIDGETS))),
    ("what is right stays", [APPS, WIDGETS], [APPS, WIDGETS], True, Plan()),
    ("a built-in one is made at the start only", [APPS], [], False, Plan()),
    ("one of a definition at any time", [WIDGETS], [], False, Plan(create=(WIDGETS,))),
    ("a changed built-in one is put right at the start", [APPS], [OFF], True, Plan(restore=(APPS,))),
    ("and not later", [APPS], [OFF], False, Plan()),
    (
        "a changed one of a definition is put right",
        [WIDGETS],
        [changed(WIDGETS, managed=ALWAYS, versionPriority=7)],
        False,
        Plan(restore=(WIDGETS,)),
    ),
    ("what somebody has claimed is his", [APPS], [changed(APPS, versionPriority=7)], True, Plan()),
    ("what nobody serves any more goes", [], [WIDGETS], False, Plan(delete=("v1.example.com",))),
    ("what an older server has left goes at the start", [], [APPS], True, Plan(delete=("v1.apps",))),
    ("what somebody has made stays", [], [changed(WIDGETS)], True, Plan()),
]


@pytest.mark.parametrize(
    ("wanted", "seen", "starting", "expected"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_plan(wanted: list[Object], seen: list[Object], starting: bool, expected: Plan) -> None:
    assert plan(wanted, {name_of(each): each for each in seen}, starting=starting) == expected
