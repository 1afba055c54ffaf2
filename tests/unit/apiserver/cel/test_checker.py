"""Types of expressions, and what is wrong with them."""

from __future__ import annotations

import pytest

from apiserver.cel.environment import CompilationError, compile_expression
from apiserver.cel.types import Struct, parse_type

INNER = Struct("t.Inner", fields={"n": parse_type("int"), "when": parse_type("timestamp")})
OUTER = Struct(
    "t.Outer",
    fields={
        "s": parse_type("string"),
        "any": parse_type("dyn"),
        "inner": INNER,
        "other": Struct("t.Other", fields={}),
        "l": parse_type("list<string>"),
        "m": parse_type("map<string,int>"),
    },
)
VARIABLES = {"self": OUTER, "a.b": parse_type("bool")}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("self.inner.n", "int"),
        ("self.?inner.?n", "optional_type(int)"),
        ("self.m['a']", "int"),
        ("self.m.a", "int"),
        ("self.l.map(x, x.size())", "list(int)"),
        ("self.m.transformMap(k, v, string(v))", "map(string, string)"),
        ("self.l + []", "list(string)"),
        ("self.any.x.y", "dyn"),
        ("self.any == self.s ? 1 : 2", "int"),
        ("true ? self.any : 1", "dyn"),
        ("self.inner == null", "bool"),
        ("self.inner.when + duration('1h')", "timestamp"),
        ("[1, 2].sum()", "int"),
        ("type(1)", "type(int)"),
        ("a.b", "bool"),
        ("url('https://a/').getQuery()", "map(string, list(string))"),
        ("format.named('uuid')", "optional_type(kubernetes.NamedFormat)"),
        ("cel.bind(x, self.inner, x.n)", "int"),
        ("optional.of(1).optMap(x, string(x)).orValue('')", "string"),
        ("'%s %d'.format([self.s, 1])", "string"),
    ],
)
def test_types(text: str, kind: str) -> None:
    assert str(compile_expression(text, VARIABLES).result_type) == kind


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("self.x", ["1:5: undefined field 'x'"]),
        ("has(self.x)", ["1:4: undefined field 'x'"]),
        ("self.inner.n + self.s", ["1:14: found no matching overload for '_+_' applied to '(int, string)'"]),
        ("self.s.n", ["1:7: type 'string' does not support field selection"]),
        ("self.s == null", ["1:8: found no matching overload for '_==_' applied to '(string, null)'"]),
        ("self.inner == self.other", ["1:12: found no matching overload for '_==_' applied to "]),
        ("self.all(x, true)", ["1:1: expression of type 't.Outer' cannot be range of a comprehension"]),
        ("size(self.inner) == 1", ["1:5: found no matching overload for 'size' applied to '(t.Inner)'"]),
        ("self.inner.size() == 1", ["1:16: found no matching overload for 'size' applied to 't.Inner.()'"]),
        (
            "1 + 1 && 'a'",
            ["1:3: expected type 'bool' but found 'int'", "1:10: expected type 'bool' but found"],
        ),
        ("foo + bar(1)", ["1:1: undeclared reference to 'foo'", "1:10: undeclared reference to 'bar'"]),
        ("[1, 'a']", ["1:5: expected type 'int' but found 'string'"]),
        (
            "{'a': 1, 2: 'b'}",
            ["1:10: expected type 'string' but found 'int'", "1:13: expected type 'int' but"],
        ),
        ("self.l.map(x, y)", ["1:15: undeclared reference to 'y'"]),
        ("self.l.all(x, true) && x", ["1:24: undeclared reference to 'x'"]),
        ("self.s.matches(')')", ["1:16: invalid matches argument"]),
        ("'%'.format([1]) == ''", ["1:11: unexpected end of string"]),
        ("'%s %s'.format([1]) == ''", ["1:15: index 1 out of range"]),
        (
            "'%s'.format([1, 2]) == ''",
            ["1:12: too many arguments supplied to string.format (expected 1, got 2)"],
        ),
        (
            "'%q'.format([1]) == ''",
            ['1:12: could not parse formatting clause: unrecognized formatting clause "q"'],
        ),
        (
            "'%.12'.format([1.0]) == ''",
            [
                "1:14: could not parse formatting clause: error while parsing precision: could not find "
                "end of precision specifier"
            ],
        ),
        (
            "'%s %d'.format(['a', self.s]) == ''",
            ["1:26: error during formatting: decimal clause can only be used on integers, was given string"],
        ),
        (
            "'%x%%'.format([[1]]) == ''",
            [
                "1:16: error during formatting: only integers, byte buffers, and strings can be formatted as "
                "hex, was given list"
            ],
        ),
        (
            "'%s'.format([[1, [quantity('1')]]]) == ''",
            [
                "1:27: error during formatting: string clause can only be used on strings, bools, bytes, "
                "ints, doubles, maps, lists, types, durations, and timestamps, was given kubernetes.Quantity"
            ],
        ),
        ("duration('1d') > duration('1h')", ["1:10: invalid duration argument"]),
        ("timestamp('1000-00-00T00:00:00Z')", ["1:11: invalid timestamp argument"]),
        ("timestamp(-62135596801)", ["1:11: invalid timestamp argument"]),
        (
            "quantity('1').isLessThan(1)",
            ["1:25: found no matching overload for 'isLessThan' applied to 'kuber"],
        ),
        ("true &&\n  1", ["2:3: expected type 'bool' but found 'int'"]),
    ],
)
def test_problems_are_told_with_their_places(text: str, problems: list[str]) -> None:
    with pytest.raises(CompilationError) as raised:
        compile_expression(text, VARIABLES)
    told = [line for line in str(raised.value).split("\n") if line.startswith("ERROR")]
    assert len(told) == len(problems)
    for line, problem in zip(told, problems, strict=True):
        assert line.startswith(f"ERROR: <input>:{problem}")


def test_the_line_is_shown_that_a_problem_is_in() -> None:
    with pytest.raises(CompilationError) as raised:
        compile_expression("true &&\n\t1 == self.s", VARIABLES)
    assert str(raised.value) == (
        "ERROR: <input>:2:4: found no matching overload for '_==_' applied to '(int, string)'\n"
        " |  1 == self.s\n"
        " | ...^"
    )
