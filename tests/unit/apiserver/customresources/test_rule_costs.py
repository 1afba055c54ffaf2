"""What rules may cost, in the numbers of upstream's own tests."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.cel import patience
from apiserver.cel.patience import patiently
from apiserver.customresources.rules.compiling import Rule, compile_rules
from apiserver.customresources.rules.validating import RuleValidator
from apiserver.customresources.schema.structural import Structural
from tests.unit.apiserver.customresources.builders import obj

TEXT, NUMBER, WHOLE, FLAG = ({"type": kind} for kind in ("string", "number", "integer", "boolean"))
INT_OR_STRING: Object = {"x-kubernetes-int-or-string": True}


def of_format(name: str, **more: Any) -> Object:
    return {**TEXT, "format": name, **more}


def array(items: Object, **more: Any) -> Object:
    return {"type": "array", "items": items, **more}


def mapping(values: Object, **more: Any) -> Object:
    return {"type": "object", "additionalProperties": values, **more}


NAMED = {**obj(required=TEXT, optional=TEXT), "required": ["required"]}
MAP = "{'a': 1, 'b': 2}"
TWO_TEXTS = obj(a=TEXT, b=TEXT)


@pytest.mark.parametrize(
    ("schema", "text", "cost"),
    [
        (array(NUMBER), "self.all(x, true)", 4718591),
        (array(NUMBER, maxItems=10), "self.all(x, true)", 32),
        (array(TEXT), "self.all(x, true)", 3145727),
        (array(FLAG), "self.all(x, true)", 1887437),
        (array(array(NUMBER)), "self.all(x, true)", 3145727),
        (array(NAMED), "self.all(x, true)", 555128),
        (array(of_format("duration")), "self.all(x, true)", 2359295),
        (array(of_format("date")), "self.all(x, true)", 725936),
        (array(of_format("date-time")), "self.all(x, true)", 428963),
        (array(INT_OR_STRING), "self.all(x, true)", 4718591),
        (array(NUMBER, maxItems=10), "self.all(x, self.all(y, true))", 352),
        (array(NUMBER, maxItems=10), "self.all(x, self.all(y, self.all(z, true)))", 3552),
        (array(TEXT), "self[1] == self[1]", 314577),
        (array(mapping(NUMBER), maxItems=12), "self.all(x, x.y == 25.2)", 74),
        (mapping(NUMBER), "self.all(x, true)", 1348169),
        (mapping(TEXT), "self.all(x, x.contains(self[x]))", 2752507),
        (mapping(of_format("date")), "self.all(x, true)", 524288),
        (TEXT, "self.contains('test')", 314574),
        ({**TEXT, "maxLength": 10}, "self.contains('test')", 5),
        (TEXT, "self.startsWith('test')", 2),
        (TEXT, "size(self + 'hello') > size('hello')", 314578),
        (TEXT, "self.matches('x')", 314574),
        (TEXT, "self.find('[0-9]+') == ''", 629147),
        ({**TEXT, "maxLength": 0}, "self == 'x'", 1),
        (of_format("byte", maxLength=0), "self == b'x'", 1),
        (array(TEXT), "self.join(' ') == 'aa bb'", 329853068905),
        (array({**TEXT, "maxLength": 10}, maxItems=10), "self.join(' ') == 'aa bb'", 43),
        (array({**TEXT, "maxLength": 10}, maxItems=10), "self.isSorted() == true", 52),
        (obj(a=WHOLE, b=WHOLE), "self.a == self.b", 4),
        (obj(a=NUMBER), "double(self.a) < 10.0", 4),
        (TWO_TEXTS, "self.a.replace(' ', 'x') == 'Rookxtakesxy'", 629150),
        (TWO_TEXTS, "self.a.substring(4, 10).trim() == 'takes'", 629149),
        (TWO_TEXTS, "self.a.lowerAscii() == self.b.lowerAscii()", 943723),
        (TWO_TEXTS, "self.a.matches('^[^0-9]*$')", 943721),
        (TWO_TEXTS, "optional.of('a') != optional.of('b')", 1844674407370955266),
        (TWO_TEXTS, "self.?a.orValue('v') == 'a'", 4),
        (TWO_TEXTS, "quantity(self.a).isLessThan(quantity(self.b))", 629151),
        (TWO_TEXTS, "isQuantity('200M')", 1),
        (TEXT, f"{MAP}.all(k, v, v > 0)", 41),
        (TEXT, f"{MAP}.exists(k, v, v > 0)", 43),
        (TEXT, f"{MAP}.existsOne(k, v, v > 0)", 40),
        (TEXT, f"{MAP}.transformMap(k, v, v + 1).size() == 2", 71 + 2),
        (TEXT, f"{MAP}.transformMap(k, v, v < 5, v + 1).size() == 2", 75 + 2),
        (TEXT, f"{MAP}.transformMapEntry(k, v, {{k: v + 1}}).size() == 2", 131 + 2),
        (TEXT, "[1, 2].transformList(i, v, v < 5, v + 1).size() == 2", 53 + 2),
    ],
)
def test_estimates_are_upstreams(schema: Object, text: str, cost: int) -> None:
    (rule,) = compile_rules([{"rule": text}], Structural(schema))
    assert isinstance(rule, Rule)
    assert rule.condition.cost == cost


def test_what_a_rule_costs_for_a_value_goes_by_the_value() -> None:
    (rule,) = compile_rules([{"rule": "self.all(x, self.all(y, x == y))"}], Structural(array(TEXT)))
    assert isinstance(rule, Rule)
    small, large = (rule.condition.cost_for(["a"] * count) for count in (10, 100))
    assert small * 80 < large < small * 120


PAIRS = array({"type": "object", "properties": {"a": array({"type": "integer"}), "b": {"type": "integer"}}})
OVER_CALL = "no further validation rules will be run due to call cost exceeds limit for rule"
OVER_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


@pytest.mark.parametrize(
    ("rule", "value", "problem"),
    [
        pytest.param(
            "self.all(x, self.all(y, x.a.all(i, y.a.all(j, i + j + y.b >= 0))))",
            [{"a": list(range(150)), "b": 1}, *({"a": [1], "b": 1} for _ in range(20))],
            "",
            id="it might cost much more than it does",
        ),
        pytest.param(
            "self.all(x, x.a.all(i, x.a.all(j, i + j + x.b >= 0)))",
            [{"a": list(range(400)), "b": 1}],
            OVER_CALL,
            id="it costs too much",
        ),
        pytest.param(
            "self.exists(x, x.b == 1) || self.all(x, x.a.all(i, x.a.all(j, i + j + x.b >= 0)))",
            [{"a": list(range(400)), "b": 1}],
            "",
            id="it costs too much, but for what comes first",
        ),
    ],
)
def test_what_counts_is_what_an_evaluation_costs(rule: str, value: Any, problem: str) -> None:
    schema = Structural({**PAIRS, "x-kubernetes-validations": [{"rule": rule}]})
    found = RuleValidator(schema).validate(value)
    assert [problem in str(error) for error in found] == [True] * bool(problem)


def test_rules_of_many_places_share_a_budget() -> None:
    """Each costs 30 102, which is little enough; all together do not."""
    each = {**TEXT, "x-kubernetes-validations": [{"rule": f"!self.matches('{'a' * 400}')"}]}
    validator = RuleValidator(Structural(array(each)))
    assert validator.validate(["b" * 3000] * 332) == []
    (error,) = validator.validate(["b" * 3000] * 333)
    assert OVER_BUDGET in str(error)


def test_messages_are_paid_out_of_the_same_budget() -> None:
    message = f"self.matches('{'a' * 400}') ? 'a' : 'b'"
    rule = {"rule": "self == ''", "messageExpression": message}
    validator = RuleValidator(Structural(array({**TEXT, "x-kubernetes-validations": [rule]})))
    found = [error.detail for error in validator.validate(["b" * 3000] * 400)]
    assert found[:-1] == ["b"] * 332
    assert found[-1] == (
        "messageExpression evaluation failed due to running out of cost budget, "
        "no further validation rules will be run"
    )


async def test_many_rules_that_cost_little_do_not_keep_others_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "_HASTE", -1)
    validator = RuleValidator(Structural({**TEXT, "x-kubernetes-validations": [{"rule": "self != ''"}]}))

    def validate() -> tuple[bool, str]:
        return bool(validator.validate("")), threading.current_thread().name

    assert await patiently(validate) == (True, "cel_0")
