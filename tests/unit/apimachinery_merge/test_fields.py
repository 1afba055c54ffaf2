"""Sets of fields: their algebra, their order, and what others wrote."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from apimachinery.merge import fields

A, AB, AC, D = ("f:a",), ("f:a", "f:b"), ("f:a", "f:c"), ("f:d",)


def of(*paths: fields.Path) -> fields.Fields:
    return fields.path_set(*paths)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param([D], {"f:d": {}}, id="a leaf needs no mark"),
        pytest.param([AB], {"f:a": {"f:b": {}}}, id="what leads to a member is none itself"),
        pytest.param([A, AB], {"f:a": {".": {}, "f:b": {}}}, id="unless it says so"),
        pytest.param([AB, A], {"f:a": {".": {}, "f:b": {}}}, id="in whatever order it came"),
    ],
)
def test_paths_become_a_set(paths: list[fields.Path], expected: fields.Fields) -> None:
    assert fields.in_order(of(*paths)) == expected


OPERATIONS: list[Any] = [
    pytest.param(fields.union, [A, AB], [AC, D], [A, AB, AC, D], id="union"),
    pytest.param(fields.intersection, [A, AB, D], [A, AC, D], [A, D], id="intersection"),
    pytest.param(fields.intersection, [A], [AB], [], id="a parent is not its child"),
    pytest.param(fields.difference, [A, AB, D], [A, D], [AB], id="children outlive their parent"),
    pytest.param(fields.difference, [AB], [AB], [], id="nothing remains of an emptied parent"),
    pytest.param(fields.recursive_difference, [A, AB, D], [A], [D], id="children go with their parent"),
    pytest.param(fields.recursive_difference, [A, AB, AC], [AB], [A, AC], id="but not the other way round"),
    pytest.param(fields.matching, [A, AB, D], [("*", "f:b")], [A, AB, D], id="any step leads on"),
    pytest.param(fields.matching, [AB, AC, D], [AB], [AB], id="only what a pattern names"),
]


@pytest.mark.parametrize(("operation", "one", "other", "expected"), OPERATIONS)
def test_sets_are_combined(operation: Any, one: list[Any], other: list[Any], expected: list[Any]) -> None:
    first, second = of(*one), of(*other)
    before = orjson.dumps([first, second])
    assert operation(first, second) == of(*expected)
    assert orjson.dumps([first, second]) == before


@pytest.mark.parametrize(
    ("one", "other", "expected"), [([A, D], [AB, D], False), ([A], [AB], True), ([AB], [AC], True)]
)
def test_disjoint_sets_have_no_field_in_common(one: list[Any], other: list[Any], expected: bool) -> None:
    assert fields.are_disjoint(of(*one), of(*other)) is expected
    assert (fields.intersection(of(*one), of(*other)) == {}) is expected


def test_steps_are_written_in_upstreams_order() -> None:
    ports = [
        'k:{"port":443,"protocol":"TCP"}',
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":80,"protocol":"UDP"}',
    ]
    written = fields.in_order(
        {"i:10": {}, "i:9": {}, 'v:"a"': {}, "v:2": {}, **{step: {} for step in ports}, "f:x": {}}
    )
    assert list(written) == ["f:x", ports[1], ports[2], ports[0], "v:2", 'v:"a"', "i:9", "i:10"]


def test_paths_are_told_level_by_level() -> None:
    found = fields.paths_of(
        {"f:b": {}, "f:a": {".": {}, 'k:{"name":"x","port":1}': {"f:c": {}}}, "f:s": {'v:"q"': {}}}
    )
    assert [fields.path_text(path) for path in found] == [".a", ".b", '.a[name="x",port=1].c', '.s[="q"]']


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param({"f:a": {".": {}}}, {"f:a": {}}, id="a mark alone is a leaf"),
        pytest.param({'k:{"b": 1, "a": "x"}': {}}, {'k:{"a":"x","b":1}': {}}, id="keys in another order"),
        pytest.param({"x:new": {}, "f:a": {}}, {"f:a": {}}, id="kinds of a future version go"),
        pytest.param({'v:"<"': {}}, {'v:"\\u003c"': {}}, id="as Go writes it"),
    ],
)
def test_what_others_wrote_is_read(written: Any, expected: fields.Fields) -> None:
    assert fields.decoded(written) == expected


@pytest.mark.parametrize(
    "written", [[], {"a": {}}, {"fa": {}}, {"k:[]": {}}, {"v:{": {}}, {"i:x": {}}, {"f:a": 1}]
)
def test_what_is_no_set_is_refused(written: Any) -> None:
    with pytest.raises(fields.FieldsError):
        fields.decoded(written)
