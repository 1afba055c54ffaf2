"""Values where the scale of a custom resource looks: of any type that a schema lets through."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.customresources.strategy import accessor_problem
from tests.fakes.api import serving
from tests.unit.apiserver.customresources.builders import DEFINITIONS, THINGS, definition, thing, version
from tests.unit.apiserver.customresources.serving import established

SCALE = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
MERGE = {"content-type": "application/merge-patch+json"}
NO_COUNT = ".spec.replicas accessor error: {}, expected int64"


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        ({}, ""),
        ({"spec": None}, ""),
        ({"spec": {"replicas": 3}}, ""),
        ({"spec": {"replicas": None}}, NO_COUNT.format("<nil> is of the type <nil>")),
        ({"spec": {"replicas": "3"}}, NO_COUNT.format("3 is of the type string")),
        ({"spec": {"replicas": True}}, NO_COUNT.format("true is of the type bool")),
        (
            {"spec": {"replicas": {"a": 1}}},
            NO_COUNT.format("map[a:1] is of the type map[string]interface {}"),
        ),
        ({"spec": {"replicas": [1]}}, NO_COUNT.format("[1] is of the type []interface {}")),
        (
            {"spec": "x"},
            ".spec.replicas accessor error: x is of the type string, expected map[string]interface{}",
        ),
    ],
)
def test_what_is_no_count_is_told_as_go_tells_it(obj: Object, problem: str) -> None:
    assert accessor_problem(obj, ".spec.replicas", int) == problem


@pytest.mark.parametrize("spec", [5, "x", [], {"replicas": None}, {"replicas": "3"}])
async def test_a_resource_that_cannot_be_scaled_is_refused_or_says_so(spec: Any) -> None:
    """Refused with a scale; what was stored before there was one has none."""
    plain = definition(version("v1", schema={"openAPIV3Schema": ANYTHING}))
    scaled = definition(version("v1", schema={"openAPIV3Schema": ANYTHING}, subresources={"scale": SCALE}))
    async with serving() as api:
        await api.request("POST", DEFINITIONS, plain)
        await established(api)
        await api.request("POST", THINGS, thing(spec=spec))
        path = f"{DEFINITIONS}/{plain['metadata']['name']}"
        await api.request("PATCH", path, {"spec": scaled["spec"]}, MERGE)
        await api.cache.fresh()
        refused = await api.request("POST", THINGS, thing("b", spec=spec))
        answers = [
            await api.request("GET", f"{THINGS}/a/scale"),
            await api.request("PATCH", f"{THINGS}/a/scale", {"spec": {"replicas": 5}}, MERGE),
        ]
    assert refused.status == 422
    problem = accessor_problem(thing(spec=spec), ".spec.replicas", int)
    assert f".spec.replicas: Invalid value: 0: {problem}" in refused.json["message"]
    assert [(each.status, each.json["message"]) for each in answers] == [(500, problem)] * 2
