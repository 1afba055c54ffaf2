"""What an apply is refused with, word for word; and sets written under an older schema."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.merge.checking import check
from apimachinery.merge.reconciling import reconcile
from apimachinery.merge.shape import DEDUCED, ShapeError
from tests.unit.apimachinery_merge.shapes import everything

PROBLEMS: list[Any] = [
    ({"odd": 1}, ".odd: field not declared in schema"),
    ({"text": 1}, ".text: expected string, got &value.valueUnstructured{Value:1}"),
    ({"number": "1"}, ".number: expected numeric (int or float), got string"),
    ({"flag": "yes"}, ".flag: expected boolean, got &{yes}"),
    ({"list": {"a": [1, None]}}, ".list: expected list, got &{map[a:[1 <nil>]]}"),
    ({"struct": ["a"]}, ".struct: expected map, got &{[a]}"),
    ({"list": ["a", 1]}, ".list[1]: expected string, got &value.valueUnstructured{Value:1}"),
    ({"set": ["a", "a"]}, '.set: duplicate entries for key [="a"]'),
    (
        {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]},
        '.ports: duplicate entries for key [port=1,protocol="TCP"]',
    ),
    (
        {"ports": [{"port": 1, "name": 2}]},
        '.ports[port=1,protocol="TCP"].name: expected string, got &value.valueUnstructured{Value:2}',
    ),
    ({"ports": [1]}, ".ports: element 0: associative list with keys may not have non-map elements"),
    (
        {"text": 1, "struct": {"x": 1}},
        "errors:\n  .text: expected string, got &value.valueUnstructured{Value:1}\n"
        "  .struct.x: field not declared in schema",
    ),
]


@pytest.mark.parametrize(("obj", "message"), PROBLEMS)
def test_what_does_not_fit_is_told(obj: Any, message: str) -> None:
    with pytest.raises(ShapeError) as refused:
        check(obj, everything())
    assert str(refused.value) == message


def test_duplicates_may_be_allowed() -> None:
    check({"set": ["a", "a"]}, everything(), duplicates=True)


def test_anything_fits_where_there_is_no_schema() -> None:
    check({"a": [{"b": None}], "c": {"d": True}}, DEDUCED)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"f:atomic": {"f:a": {}}}, {"f:atomic": {}}, id="a struct that became atomic"),
        pytest.param({"f:list": {".": {}, 'v:"a"': {}}}, {"f:list": {}}, id="a list that became atomic"),
        pytest.param({"f:struct": {}}, {"f:struct": {}}, id="what became granular stays as it is"),
        pytest.param({"f:gone": {"f:x": {}}}, {"f:gone": {"f:x": {}}}, id="so does what is there no more"),
        pytest.param(
            {"f:free": {"f:x": {"f:y": {}}}}, {"f:free": {"f:x": {"f:y": {}}}}, id="and what is free"
        ),
    ],
)
def test_sets_follow_their_schema(fields: Any, expected: Any) -> None:
    assert reconcile(fields, everything()) == expected


def test_a_set_that_fits_is_not_copied() -> None:
    fields = {"f:struct": {"f:a": {}}, "f:atomic": {}}
    assert reconcile(fields, everything()) is fields
