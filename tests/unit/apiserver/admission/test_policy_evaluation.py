"""What a policy decides when its expressions cost much, or their messages do."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from apiserver.admission.expressions import Scope
from apiserver.admission.policies.evaluation import Outcome, Refusal, evaluate
from apiserver.admission.policies.metrics import INVALID, NO_ERROR, OUT_OF_BUDGET, count_check
from apiserver.admission.policies.policy import parse_policy
from apiserver.cel.libraries.authorization import Answer
from tests.unit.counting import Counting

BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"
COSTLY = f"object.l.all(x, !x.matches('{'a' * 400}'))"
"""Costs some 900 000 for the object below, of ten million that there are, and takes no time."""
TOO_MUCH = Refusal(0, BUDGET, error_type=OUT_OF_BUDGET)
OBJECT = {"l": ["b" * 3000] * 30}


def decided(
    *validations: Object, ignores: bool = False, notes: tuple[str, ...] = (), condition: str = "true"
) -> Outcome:
    annotations = [{"key": str(index), "valueExpression": each} for index, each in enumerate(notes)]
    spec: Object = {
        "validations": list(validations), "auditAnnotations": annotations,
        "matchConditions": [{"name": "c", "expression": condition}],
    }  # fmt: skip
    if ignores:
        spec["failurePolicy"] = "Ignore"
    return evaluate(
        parse_policy({"metadata": {"name": "p"}, "spec": spec}), Scope({"object": OBJECT}, nobody)
    )


async def nobody(check: Object) -> Answer:
    raise AssertionError(check)


def says(expression: str, computed: str = "", **fields: Any) -> Object:
    return {"expression": expression, **({"messageExpression": computed} if computed else {}), **fields}


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (says("false", "'a' + 'b'", message="c"), "ab"),
        (says("false", "'a\\nb'", message="c"), "c"),
        (says("false", "object.nothing", message="c"), "c"),
        (says("false", "' '"), "failed expression: false"),
    ],
)
def test_messages(validation: Object, message: str) -> None:
    assert decided(validation).refusals == [Refusal(0, message, "Invalid")]


def test_validations_that_cost_too_much_together_are_one_refusal() -> None:
    assert decided(*[says(COSTLY)] * 10, says("false")).refusals == [
        Refusal(10, "failed expression: false", "Invalid")
    ]
    assert decided(says("false"), *[says(COSTLY)] * 20).refusals == [
        Refusal(0, BUDGET, error_type=OUT_OF_BUDGET)
    ]
    assert decided(says("false"), *[says(COSTLY)] * 20, ignores=True) == Outcome(ignored=[TOO_MUCH])


def test_messages_are_paid_out_of_what_the_validations_left() -> None:
    """Those of validations that are fulfilled, too; then whatever did not fail is refused."""
    message = f"{COSTLY} ? 'a' : 'b'"
    many = [says(COSTLY, message)] * 7
    refused = decided(*many, says("false", message)).refusals
    assert refused == [
        Refusal(index, f"failed messageExpression: {BUDGET}", error_type=INVALID) for index in range(8)
    ]
    assert decided(*many[:3], says("false", message)).refusals == [Refusal(3, "a", "Invalid")]
    assert decided(*many, says("false", message), ignores=True) == Outcome(ignored=refused)


def test_notes_have_a_budget_of_their_own() -> None:
    note = f"{COSTLY} ? 'a' : 'b'"
    assert decided(*[says(COSTLY)] * 8, notes=(note,) * 8).annotations == [(str(i), "a") for i in range(8)]
    assert decided(says("false"), notes=(note,) * 20) == Outcome([TOO_MUCH])


def test_a_validation_that_cannot_be_evaluated_is_told_from_one_that_says_no() -> None:
    refused = decided(says("object.nothing"), says("false")).refusals
    assert [each.error_type for each in refused] == [INVALID, NO_ERROR]
    assert all(each.seconds > 0 for each in refused)


def test_what_is_not_fulfilled_is_never_ignored() -> None:
    outcome = decided(says("object.nothing"), says("false"), ignores=True)
    assert [each.index for each in outcome.refusals] == [1]
    assert [each.error_type for each in outcome.ignored] == [INVALID]


def test_each_consequence_is_counted() -> None:
    counting, prefix = Counting(), "apiserver_validating_admission_policy_check"
    count_check("p", "b", NO_ERROR, ("Deny", "Audit"), 0.002)
    labels = {"policy": "p", "policy_binding": "b", "error_type": "no_error"}
    for action, times in (("deny", 1), ("audit", 1), ("warn", 0)):
        assert counting.more(f"{prefix}_total", enforcement_action=action, **labels) == times
        assert counting.more(f"{prefix}_duration_seconds_count", enforcement_action=action, **labels) == times


NO_KEY = "expression 'object.nothing == 1' resulted in error: no such key: nothing"


@pytest.mark.parametrize(
    ("condition", "ignores", "refused", "failures"),
    [
        pytest.param("false", False, [], 0, id="it does not apply"),
        pytest.param("object.nothing == 1", False, [NO_KEY], 1, id="nobody knows"),
        pytest.param("object.nothing == 1", True, [], 1, id="nobody knows or cares"),
    ],
)
def test_conditions_that_are_not_met_are_told(
    condition: str, ignores: bool, refused: list[str], failures: int
) -> None:
    outcome = decided(says("false"), ignores=ignores, condition=condition)
    assert [each.message for each in outcome.refusals] == refused
    assert outcome.unmet is not None
    assert outcome.unmet.failures == failures
    assert outcome.unmet.seconds > 0


def test_conditions_that_are_met_are_not_told() -> None:
    assert decided(says("false")).unmet is None
