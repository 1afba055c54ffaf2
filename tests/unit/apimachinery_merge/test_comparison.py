"""Which fields a change adds, modifies and removes; which fields an object has."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.merge.comparison import compare, fields_of
from apimachinery.merge.shape import ShapeError
from tests.unit.apimachinery_merge.shapes import everything, of_kind

TCP = 'k:{"port":80,"protocol":"TCP"}'

CHANGES: list[Any] = [
    pytest.param({"text": "a"}, {"text": "a"}, {}, {}, {}, id="nothing"),
    pytest.param({"text": "a"}, {"text": "b"}, {}, {"f:text": {}}, {}, id="a scalar"),
    pytest.param(
        {},
        {"struct": {"a": "x"}},
        {"f:struct": {".": {}, "f:a": {}}},
        {},
        {},
        id="a struct and what is in it",
    ),
    pytest.param(
        {"struct": {"a": "x"}},
        {"struct": {"b": "y"}},
        {"f:struct": {"f:b": {}}},
        {},
        {"f:struct": {"f:a": {}}},
        id="within a struct",
    ),
    pytest.param(
        {"atomic": {"a": "x"}}, {"atomic": {"b": "y"}}, {}, {"f:atomic": {}}, {}, id="an atomic struct"
    ),
    pytest.param({"list": ["a"]}, {"list": ["a", "b"]}, {}, {"f:list": {}}, {}, id="an atomic list"),
    pytest.param(
        {"set": ["a", "b"]},
        {"set": ["b", "c"]},
        {"f:set": {'v:"c"': {}}},
        {},
        {"f:set": {'v:"a"': {}}},
        id="a set",
    ),
    pytest.param(
        {"ports": [{"port": 80, "name": "a"}]},
        {"ports": [{"port": 80, "protocol": "TCP", "name": "b"}]},
        {"f:ports": {TCP: {"f:protocol": {}}}},
        {"f:ports": {TCP: {"f:name": {}}}},
        {},
        id="an item whose key is there by default",
    ),
    pytest.param({"map": {}}, {"map": {"k": "v"}}, {"f:map": {"f:k": {}}}, {}, {}, id="into an empty map"),
    pytest.param({"map": None}, {"map": {}}, {}, {"f:map": {}}, {}, id="null is not empty"),
    pytest.param(
        {"free": {"x": 0}}, {"free": {"x": [1]}}, {}, {"f:free": {"f:x": {}}}, {}, id="of another type"
    ),
    pytest.param(
        {"set": ["a", "a"]},
        {"set": ["a", "a", "a"]},
        {},
        {"f:set": {'v:"a"': {}}},
        {},
        id="duplicates count as one",
    ),
]


@pytest.mark.parametrize(("old", "new", "added", "modified", "removed"), CHANGES)
def test_changes_are_told(old: Any, new: Any, added: Any, modified: Any, removed: Any) -> None:
    found = compare(old, new, everything())
    assert (found.added, found.modified, found.removed) == (added, modified, removed)


def test_structs_that_go_holds_by_value_are_not_added() -> None:
    new = {"spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "c"}]}}}}
    added = compare({}, new, of_kind("apps/v1", "Deployment")).added
    containers = {'k:{"name":"c"}': {".": {}, "f:name": {}}}
    assert added == {"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": containers}}}}


OWNED: list[Any] = [
    pytest.param({"struct": {"a": "x"}}, {"f:struct": {"f:a": {}}}, id="a named struct is not owned itself"),
    pytest.param({"struct": {}}, {"f:struct": {}}, id="unless it is empty"),
    pytest.param({"map": {"k": "v"}}, {"f:map": {"f:k": {}}}, id="entries of a map"),
    pytest.param({"set": []}, {}, id="an empty list has nothing to own"),
    pytest.param({"list": []}, {"f:list": {}}, id="unless it is atomic"),
    pytest.param({"text": None}, {"f:text": {}}, id="null"),
    pytest.param(
        {"ports": [{"port": 80}]}, {"f:ports": {TCP: {".": {}, "f:port": {}}}}, id="an item and its fields"
    ),
    pytest.param(
        {"free": {"x": {"y": 1}}}, {"f:free": {"f:x": {".": {}, "f:y": {}}}}, id="what has no schema"
    ),
]


@pytest.mark.parametrize(("obj", "expected"), OWNED)
def test_an_objects_fields_are_its_leaves_and_items(obj: Any, expected: Any) -> None:
    assert fields_of(obj, everything()) == expected


def test_items_that_cannot_be_told_apart_cannot_be_compared() -> None:
    with pytest.raises(ShapeError, match="may not have non-map elements"):
        compare({}, {"spec": {"containers": ["x"]}}, of_kind("v1", "Pod"))
