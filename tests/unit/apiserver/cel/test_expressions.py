"""Kubernetes' CEL: its libraries, and errors in its words."""

from __future__ import annotations

from typing import Any

import pytest

from apiserver.cel.environment import CompilationError, EvaluationError, compile_expression
from apiserver.cel.syntax import Select, names_in
from apiserver.cel.types import parse_type

SELF = {"l": ["b", "a"], "m": {"k": 1}, "s": "a,b", "n": None, "i": 3, "d": 1.5}


MAP = parse_type("map<string,dyn>")


def value_of(text: str) -> Any:
    return compile_expression(text, {"self": MAP}).evaluate({"self": SELF})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("self.l.all(x, x.size() == 1) && has(self.m.k) && !has(self.m.x)", True),
        ("self.i > 2.5 && self.d < 2", True),
        ("self.m.?x.orValue(5)", 5),
        ("cel.bind(x, self.i, x + x)", 6),
        ("self.n == null", True),
        ("'cat' + 'X'.lowerAscii() + ' y '.trim()", "catxy"),
        ("'a-b-c'.replace('-', '+', 1) + 'abc'.substring(1, 2) + 'abc'.charAt(2)", "a+b-cbc"),
        ("self.s.split(',').join('|')", "a|b"),
        ("'hello'.indexOf('l') + 'hello'.lastIndexOf('l')", 5),
        ("'%s is %d, %.1f and %x: %s'.format(['a', 2, 1.25, 255, [1, 'b']])", 'a is 2, 1.2 and ff: [1, "b"]'),
        ("strings.quote('a\"b')", '"a\\"b"'),
        ("[1, 2, 3].sum() + [3, 1].min() + [3, 1].max()", 10),
        ("self.l.isSorted() || self.l.indexOf('a') != 1", False),
        ("[3, 1, 1].distinct().sort().slice(0, 1)", [1]),
        ("lists.range(3).reverse()", [2, 1, 0]),
        (
            "sets.contains(['a', 'b'], ['a']) && sets.equivalent([1, 1], [1])",
            True,
        ),
        ("'abc123'.find('[0-9]+') + 'a1b2'.findAll('[0-9]').join()", "12312"),
        ("url('https://u@h:80/p?q=1').getHost() + url('https://h/').getScheme()", "h:80https"),
        ("isURL('a b') || isURL('relative')", False),
        ("optional.ofNonZeroValue(timestamp('0001-01-01T00:00:00.000+00:00')) == optional.none()", True),
        ("optional.ofNonZeroValue(timestamp(0)).hasValue()", True),
        ("quantity('1Ki') == quantity('1024') && quantity('1.5').isGreaterThan(quantity('1'))", True),
        ("quantity('1Gi').add(quantity('1Gi')).asInteger()", 2147483648),
        ("isQuantity('1x')", False),
        ("isSemver('', true) || quantity('9999999999999999999999G').isInteger()", False),
        ("sign(quantity('-1'))", -1),
        ("string(ip('1.1.1.1')) + string(cidr('10.0.0.0/8'))", "1.1.1.110.0.0.0/8"),
        ("type(ip('1.1.1.1')) == net.IP && type(cidr('10.0.0.0/8')) != net.IP", True),
        ("format.named('dns1123Label').value().validate('a.b').hasValue()", True),
        ("format.named('x').hasValue()", False),
        ("[[1], [2, 3]].flatten().first().value() + [5, 6].last().value()", 7),
        ("[optional.of(1), optional.none()].unwrapOpt()", [1]),
        ("cidr('10.0.0.0/8').containsIP('10.1.1.1') && !cidr('10.0.0.0/8').containsIP(ip('11.1.1.1'))", True),
        (
            "cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8')",
            True,
        ),
        ("ip('::1').isLoopback() && ip('1.1.1.1').family() == 4", True),
        ("isIP('::ffff:1.1.1.1') || ip.isCanonical('::0:1')", False),
        ("semver('1.2.3-rc.1').isLessThan(semver('1.2.3')) && semver('v1.2', true).minor() == 2", True),
        ("format.dns1123Label().validate('a.b').hasValue()", True),
        (
            "format.uri().validate(self.s.replace(')', '(')).orValue(['fine'])",
            ['parse "a,b": invalid URI for request'],
        ),
        ("size('x') == 0 || format.labelValue().validate('x') == optional.none()", True),
        ("duration('90m') > duration('1h') && timestamp('2024-01-01T00:00:00Z').getFullYear() == 2024", True),
    ],
)
def test_what_expressions_give(text: str, value: Any) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("self.x == 1", "no such key: x"),
        ("self.l[5] == 'a'", "index out of bounds: 5"),
        ("1 / (self.i - 3) == 1", "division by zero"),
        ("self.s > 1", "no such overload"),
        (
            "quantity('x').isInteger()",
            "quantity parse error during conversion from string: quantities must match",
        ),
        ("quantity('9999999999999999999999G').asInteger()", "cannot convert value to integer"),
        (
            "cidr('10.0.0.0/')",
            "network address parse error during conversion from string: network address parse error during "
            'conversion from string: netip.ParsePrefix("10.0.0.0/"): bad bits after slash: ""',
        ),
        (
            "semver('1.0')",
            "semver parse error during conversion from string: No Major.Minor.Patch elements fo",
        ),
        (
            "semver('1.x.0')",
            "semver parse error during conversion from string: Invalid character(s) found in m",
        ),
        ("'abc'.substring(2, 1) == ''", "invalid substring range. start: 2, end: 1"),
        ("[].min() == 1", "min called on empty list"),
    ],
)
def test_failures_are_in_upstreams_words(text: str, error: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        value_of(text)
    assert str(raised.value).startswith(error)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("foo == 1", "ERROR: <input>:1:1: undeclared reference to 'foo'"),
        (
            "'a' + 1 == 'b'",
            "ERROR: <input>:1:5: found no matching overload for '_+_' applied to '(string, int)'",
        ),
        ("self.a ==", "ERROR: <input>:1:10: Syntax error: mismatched input '<EOF>'"),
        ("quantity('1').isLessThan(semver('1.0.0'))", "ERROR: <input>:1:25: found no matching overload"),
    ],
)
def test_what_does_not_compile_is_told_with_its_place(text: str, error: str) -> None:
    with pytest.raises(CompilationError) as raised:
        compile_expression(text, {"self": MAP})
    assert str(raised.value).startswith(error)


def test_the_tree_tells_names_and_places() -> None:
    tree = compile_expression("self.l.exists(x, x == other.f)", {"self": MAP, "other": MAP}).tree
    assert {"self", "other", "x"} <= names_in(tree)
    select = compile_expression("self.a", {"self": MAP}).tree
    assert isinstance(select, Select)
    assert (select.field, select.position) == ("a", 4)
