"""Loops with two variables, and sorting by a key."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.cel.environment import CompilationError, EvaluationError, compile_expression
from apiserver.cel.types import parse_type

VARIABLES = {"l": parse_type("list<string>"), "m": parse_type("map<string,int>")}
VALUES = {"l": ["b", "a"], "m": {"x": 1, "y": 2}}


def value_of(text: str) -> Any:
    return compile_expression(text, VARIABLES).evaluate(VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("l.all(i, v, i < 2 && v != '')", True, id="all items"),
        pytest.param("m.all(k, v, k == 'x' || v == 1)", False, id="all entries"),
        pytest.param("l.exists(i, v, i == 1 && v == 'a')", True, id="an item"),
        pytest.param("m.exists(k, v, k == 'z' || v / 0 == 1)", None, id="no entry, and a failure"),
        pytest.param("m.existsOne(k, v, v > 1) && !m.exists_one(k, v, v > 0)", True, id="just one"),
        pytest.param("l.transformList(i, v, v + string(i))", ["b0", "a1"], id="a list"),
        pytest.param("m.transformList(k, v, v > 1, k)", ["y"], id="a filtered list"),
        pytest.param("l.transformMap(i, v, v)", {0: "b", 1: "a"}, id="a map"),
        pytest.param("m.transformMap(k, v, k != 'x', v * 2)", {"y": 4}, id="a filtered map"),
        pytest.param("m.transformMapEntry(k, v, {v: k})", {1: "x", 2: "y"}, id="other keys"),
        pytest.param("m.transformMapEntry(k, v, v == 1, {v: k})", {1: "x"}, id="other filtered keys"),
        pytest.param("[].transformMap(i, v, v) == {}", True, id="a map of nothing"),
        pytest.param("l.map(a, l.exists(i, b, a == b && i == 0))", [True, False], id="one within another"),
        pytest.param("l.sortBy(s, s)", ["a", "b"], id="sorted by itself"),
        pytest.param(
            "[{'n': 2, 'o': 0}, {'n': 1, 'o': 1}].sortBy(e, e.n).map(e, e.o)", [1, 0], id="by a key"
        ),
    ],
)
def test_what_macros_give(text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(EvaluationError, match="division by zero"):
            value_of(text)
    else:
        assert value_of(text) == value


def test_no_key_may_come_twice() -> None:
    with pytest.raises(EvaluationError, match="insert failed: key 1 already exists"):
        value_of("l.transformMapEntry(i, v, {1: v})")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("l.all(i, i, true)", "ERROR: <input>:1:10: duplicate variable name: i"),
        ("l.all(i, v.x, true)", "ERROR: <input>:1:11: argument must be a simple name"),
        ("l.all(i, v, v)", "ERROR: <input>:1:13: expected type 'bool' but found 'string'"),
        ("l.exists(i, v, i == v)", "ERROR: <input>:1:18: found no matching overload for '_==_' applied to"),
        (
            "'l'.all(i, v, true)",
            "ERROR: <input>:1:1: expression of type 'string' cannot be range of a compre",
        ),
        ("'l'.sortBy(s, s)", "ERROR: <input>:1:1: sortBy can only be applied to a list, identifier, "),
        ("l.sortBy(s, [s])", "ERROR: <input>:1:9: found no matching overload for '@sortByAssociatedKeys' "),
    ],
)
def test_what_does_not_compile(text: str, problem: str) -> None:
    with pytest.raises(CompilationError) as raised:
        value_of(text)
    assert str(raised.value).startswith(problem)
