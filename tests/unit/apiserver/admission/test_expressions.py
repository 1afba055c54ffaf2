"""CEL in admission: what an expression may name, what it gives, and how failures are told."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.admission.conditions import ConditionsFailed, hold
from apiserver.admission.expressions import (
    BOOL,
    BUDGET,
    Expression,
    ExpressionFailed,
    Names,
    Scope,
    Variable,
    compile_for_admission,
)
from apiserver.cel.environment import opaque
from apiserver.cel.libraries.authorization import Answer
from apiserver.cel.types import DYN


def expression(text: str, *wanted: str, variables: Sequence[str] = ()) -> Expression:
    return compile_for_admission(text, wanted, Names(True, True, dict.fromkeys(variables, DYN)))


def scope(variables: dict[str, str] | None = None, **values: Any) -> Scope:
    known: list[Variable] = []
    for name, text in (variables or {}).items():
        known.append(Variable(name, expression(text, variables=[each.name for each in known])))
    return Scope(values, may_get, known)


async def may_get(check: Object) -> Answer:
    return check["verb"] == "get", "because", ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("object.spec.replicas < 3", True),
        ("oldObject == null && namespaceObject == null && params == null", True),
        ("request.operation", "CREATE"),
        ("object.metadata.labels.all(k, k.startsWith('a'))", True),
    ],
)
def test_what_an_expression_gives(text: str, expected: Any) -> None:
    values = {
        "object": {"spec": {"replicas": 2}, "metadata": {"labels": {"a": "1", "ab": "2"}}},
        "request": {"operation": "CREATE"},
    }
    assert scope(**values).evaluate(expression(text)) == expected


def test_variables_are_computed_when_they_are_needed_and_may_fail_if_nobody_needs_them() -> None:
    seen = scope({"one": "object.x", "two": "variables.one + 1", "bad": "object.nothing"}, object={"x": 1})
    names = ["one", "two", "bad"]
    assert seen.evaluate(expression("variables.two == 2", variables=names)) is True
    assert seen.evaluate(expression("true || variables.bad", variables=names)) is True
    with pytest.raises(ExpressionFailed) as error:
        seen.evaluate(expression("variables.bad == 1", variables=names))
    assert str(error.value) == (
        "expression 'variables.bad == 1' resulted in error: composited variable \"bad\" fails to evaluate: "
        "expression 'object.nothing' resulted in error: no such key: nothing"
    )


@pytest.mark.parametrize(
    ("text", "wanted", "error"),
    [
        ("1", (BOOL,), "must evaluate to bool but got int"),
        ("object.x", (BOOL,), "must evaluate to bool but got dyn"),
        ("request.dryRun", (BOOL,), ""),
        (
            "variables.x",
            (),
            "compilation failed: ERROR: <input>:1:10: undefined field 'x'\n | variables.x\n | .........^",
        ),
    ],
)
def test_what_is_wrong_with_an_expression(text: str, wanted: tuple[str, ...], error: str) -> None:
    assert expression(text, *wanted).error == error


def test_an_expression_that_does_not_compile_fails_as_such() -> None:
    with pytest.raises(ExpressionFailed, match=r"^compilation error: compilation failed: ERROR"):
        scope().evaluate(expression("nothing"))


def test_what_is_too_expensive_is_not_evaluated() -> None:
    seen = scope(object={"items": list(range(2000))})
    text = "object.items.all(x, object.items.exists(y, x == y))"
    with pytest.raises(ExpressionFailed) as error:
        seen.evaluate(expression(text))
    assert str(error.value).endswith("resulted in error: operation cancelled: actual cost limit exceeded")
    cheaper = expression("object.items.all(x, x >= 0)")
    assert seen.evaluate(cheaper) is True
    seen.limit(100)
    with pytest.raises(ExpressionFailed, match="running out of cost budget"):
        seen.evaluate(cheaper)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((), True),
        (("true", "object.x == 1"), True),
        (("true", "false"), False),
        (("object.nothing == 1", "false"), False),
    ],
)
def test_conditions(texts: Sequence[str], expected: bool) -> None:
    conditions = [expression(each, BOOL) for each in texts]
    assert hold(conditions, scope(object={"x": 1})) is expected


def test_conditions_that_cannot_be_evaluated_fail() -> None:
    with pytest.raises(ConditionsFailed) as error:
        hold([expression("object.nothing == 1", BOOL)], scope(object={}))
    assert str(error.value) == "expression 'object.nothing == 1' resulted in error: no such key: nothing"
    assert error.value.times == 1


AUTHORIZER = {"authorizer": opaque("Authorizer", json.dumps({"user": {"username": "jane"}}))}
MAY = "authorizer.group('').resource('pods').check('{}').allowed()"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(MAY.format("get"), True, id="one check"),
        pytest.param(f"{MAY.format('list')} || {MAY.format('get')}", True, id="two at once"),
        pytest.param(f"{MAY.format('get')} && !{MAY.format('list')}", True, id="one after the other"),
        pytest.param("variables.may && !variables.never", True, id="in variables"),
        pytest.param("authorizer.path('/a').check('get').errored()", False, id="nothing went wrong"),
    ],
)
async def test_checks_are_answered_between_two_evaluations(text: str, expected: bool) -> None:
    variables = {"may": MAY.format("get"), "never": MAY.format("list")}
    seen = scope(variables, **AUTHORIZER)
    condition = expression(text, BOOL, variables=list(variables))
    assert await seen.settled(partial(seen.evaluate, condition)) is expected


async def test_a_condition_that_fails_only_for_want_of_an_answer_does_not_fail() -> None:
    seen = scope(**AUTHORIZER)
    conditions = [expression(MAY.format("get"), BOOL)]
    assert await seen.settled(partial(hold, conditions, seen)) is True
    failing = [expression("object.nothing == 1", BOOL)]
    with pytest.raises(ConditionsFailed):
        await seen.settled(partial(hold, failing, seen))


COUNTED = "object.items.all(x, object.items.all(y, x + y >= 0))"


async def test_what_is_counted_is_evaluated_while_others_are_served() -> None:
    seen = scope(object={"items": list(range(100))})

    def evaluate() -> tuple[Any, str]:
        return seen.evaluate(expression(COUNTED)), threading.current_thread().name

    assert await seen.settled(evaluate) == (True, "cel_0")


async def test_a_variable_is_paid_for_though_what_needs_it_is_evaluated_anew() -> None:
    """`all` costs some 400: with the rest, which is counted, too much."""
    items = {"items": list(range(100))}
    counted = expression(COUNTED).program
    assert counted is not None
    spent = counted.measure({"object": items}, BUDGET).cost
    seen = scope({"all": "object.items.all(x, x >= 0)"}, object=items)
    both = expression(f"variables.all && {COUNTED}", variables=["all"])
    seen.limit(spent + 100)
    with pytest.raises(ExpressionFailed, match="running out of cost budget"):
        await seen.settled(partial(seen.evaluate, both))
