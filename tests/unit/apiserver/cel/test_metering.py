"""What evaluations cost, in cel-go's and Kubernetes' numbers, and loops longer than the runtime allows.

Sources: TestRuntimeCost of cel-go's interpreter, and library/cost_test.go of k8s.io/apiserver; lists and maps
of constants cost nothing here, as the apiserver optimises them away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from apiserver.cel.environment import CostExceeded, EvaluationError, compile_expression
from apiserver.cel.types import Type, parse_type

PLENTY = 10**9
STRINGS: dict[str, str] = {"a": "string", "b": "string"}


def types(declared: Mapping[str, str]) -> dict[str, Type]:
    return {name: parse_type(kind) for name, kind in declared.items()}


@pytest.mark.parametrize(
    ("text", "declared", "values", "cost"),
    [
        ("'Hello World!'", {}, {}, 0),
        ("a", STRINGS, {"a": "v"}, 1),
        ("m['key']", {"m": "map<string,string>"}, {"m": {"key": "v"}}, 2),
        ("m['ke' + 'y']", {"m": "map<string,string>"}, {"m": {"key": "v"}}, 3),
        ("l[3 - 3]", {"l": "list<string>"}, {"l": ["v"]}, 3),
        ("has(d.a.b)", {"d": "dyn"}, {"d": {"a": {"b": 1}}}, 2),
        ("l.all(x, true)", {"l": "list<string>"}, {"l": []}, 2),
        ("a.matches('[0-9]')", STRINGS, {"a": "x" * 500}, 103),
        ("p || q || p || q", {"p": "bool", "q": "bool"}, {"p": False, "q": False}, 4),
        ("p || q", {"p": "bool", "q": "bool"}, {"p": True, "q": False}, 1),
        ("true ? 1 : 2", {}, {}, 0),
        ("false ? false : 1 > 3", {}, {}, 1),
        ("(1 > 2 ? 5 : 3) > 1", {}, {}, 2),
        ("'12345678901234567890' == '123456789012345678901234567890'", {}, {}, 2),
        ("string(b)", {"b": "bytes"}, {"b": b"x" * 500}, 51),
        ("string(d)", {"d": "dyn"}, {"d": b"x" * 500}, 51),
        ("a.contains(b)", STRINGS, {"a": "x" * 500, "b": "y" * 500}, 2502),
        ("a.startsWith(b)", STRINGS, {"a": "idc", "b": "i"}, 3),
        ("'abcdefg'.contains(a + b)", STRINGS, {"a": "val1", "b": "val2222222"}, 6),
        ("m.all(k, m[k].n > 3)", {"m": "map<string,dyn>"}, {"m": {"v": {"n": 5}}}, 9),
        (
            "(x > 2 ? l : m).all(y, true)",
            {"x": "int", "l": "list<int>", "m": "list<int>"},
            {"x": 1, "l": [1], "m": [1]},
            6,
        ),
        ("[{'k1': 1}, {'k2': 2}].all(x, true)", {}, {}, 7),
        ("[1,2,3,4,5].filter(x, x % 2 == 0)", {}, {}, 42),
        ("[1,2,3,4,5].map(x, x).exists(x, x == 5) == true", {}, {}, 98),
        ("[1,2,3,4,5].map(x, [x, x]).filter(z, z.size() == 2)", {}, {}, 202),
        ("[1,2,3,4,5].map(x, [x, x]).all(y, y.all(y, y == 1))", {}, {}, 151),
        ("[1,2,3].all(i, i in [1,2,3].map(j, j + j))", {}, {}, 56),
        ("a in ['x', 'y']", STRINGS, {"a": "x"}, 1),
        ("'abc 123 def 123'.find('123')", {}, {}, 2),
        ("['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join(' ')", {}, {}, 5),
        ("quantity('200M') == quantity('0.2G') && quantity('0.2G') == quantity('200M')", {}, {}, 6),
        ("quantity('50k').add(20).sub(quantity('100k')).asInteger() > 0", {}, {}, 6),
        ("sets.contains([1, 2, 3, 4], [2, 3])", {}, {}, 9),
        ("format.named('dns1123Label').value().validate('my-name').hasValue()", {}, {}, 11),
        ("'ABCDEFGHIJ abcdefghij'.lowerAscii() == 'abcdefghij ABCDEFGHIJ'.lowerAscii()", {}, {}, 9),
        ("cidr('192.168.0.0/24').containsIP(ip('192.168.0.1'))", {}, {}, 5),
        ("[3, 1, 2].sort() == [1, 2, 3]", {}, {}, 30),
    ],
)
def test_what_an_evaluation_costs(
    text: str, declared: Mapping[str, str], values: Mapping[str, Any], cost: int
) -> None:
    assert compile_expression(text, types(declared)).measure(values, PLENTY).cost == cost


def test_beyond_the_limit_it_is_given_up() -> None:
    program = compile_expression("'abcdefg'.contains(a + b)", types(STRINGS))
    values = {"a": "val1", "b": "val2222222"}
    assert program.measure(values, 6).cost == 6
    with pytest.raises(CostExceeded, match="operation cancelled: actual cost limit exceeded"):
        program.measure(values, 5)


def test_loops_end_at_the_limit() -> None:
    program = compile_expression("l.all(x, l.all(y, l.all(z, x + y + z >= 0)))", types({"l": "list<int>"}))
    with pytest.raises(CostExceeded):
        program.measure({"l": list(range(500))}, 10_000)


NUMBERED = {"l": [{"name": f"n{index}", "n": index} for index in range(150)], "k": 3}
LONG = "lists.range(10100)"


@pytest.mark.parametrize(
    ("text", "value", "cost"),
    [
        pytest.param("l.all(x, l.exists_one(y, x.name == y.name))", True, 113_702, id="all over exists_one"),
        pytest.param("l.map(x, l.filter(y, y.n == x.n).size()).sum()", 150, None, id="map over filter"),
        pytest.param("cel.bind(z, l.map(x, x.n), l.all(x, z.exists(y, y == x.n)))", True, None, id="bind"),
        pytest.param(f"{LONG}.all(i, i >= 0)", True, 60_612, id="one long loop"),
        pytest.param(f"{LONG}.all(i, i < 10050) || k == 3", True, None, id="beside another"),
        pytest.param(f"{LONG}.exists(i, i == 10099 ? true : [1][i] == 5)", True, None, id="errors pass"),
        pytest.param(f"{LONG}.transformMap(i, v, v).size()", 10_100, None, id="with two variables"),
        pytest.param(
            f"{LONG}.all(i, timestamp(i) >= timestamp(0)) && {LONG}.all(i, true)", True, None, id="times"
        ),
    ],
)
def test_loops_may_be_longer_than_the_runtime_allows(text: str, value: Any, cost: int | None) -> None:
    program = compile_expression(text, types({"l": "list<dyn>", "k": "int"}))
    assert program.evaluate(NUMBERED) == value
    if cost is not None:
        assert program.measure(NUMBERED, PLENTY).cost == cost


def test_a_long_loop_that_only_errs_is_an_error() -> None:
    program = compile_expression(f"{LONG}.all(i, {{'a': i}}.a >= 0 && {{'a': i}}.b > 0)", {})
    with pytest.raises(EvaluationError, match="no such key: b"):
        program.evaluate({})
