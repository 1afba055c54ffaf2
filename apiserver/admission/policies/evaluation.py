"""A policy evaluated for one write and one parameter: what it decides, and what it notes.

Source: validator.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple

from apiserver.admission.conditions import ConditionsFailed, hold
from apiserver.admission.expressions import BUDGET, Expression, ExpressionFailed, OutOfBudget, Scope
from apiserver.admission.policies.metrics import INVALID, NO_ERROR, OUT_OF_BUDGET
from apiserver.admission.policies.policy import Policy, Validation

_MAX_MESSAGE = 5 * 1024
_MAX_ANNOTATION = 10 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A validation that is not fulfilled, or that could not be evaluated."""

    index: int
    message: str
    reason: str = ""
    error_type: str = NO_ERROR
    """Whether it could be evaluated, as metrics tell it."""
    seconds: float = field(default=0.0, compare=False)
    """How long that took."""


class Unmet(NamedTuple):
    """Conditions under which the policy does not apply, or that failed."""

    seconds: float
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    refusals: list[Refusal] = field(default_factory=list)
    """What the binding's actions say the consequences of."""
    denials: list[Refusal] = field(default_factory=list)
    """What denies whatever the actions are."""
    annotations: list[tuple[str, str]] = field(default_factory=list)
    ignored: list[Refusal] = field(default_factory=list)
    """What could not be evaluated, and is let pass: it is counted, no more."""
    unmet: Unmet | None = field(default=None, compare=False)


class _Result(NamedTuple):
    value: Any
    seconds: float
    failure: str = ""


def evaluate(policy: Policy, scope: Scope) -> Outcome:
    began = perf_counter()
    try:
        if not hold(policy.conditions, scope):
            return Outcome(unmet=Unmet(perf_counter() - began))
    except ConditionsFailed as error:
        refusals = [] if policy.ignores_failures else [Refusal(0, str(error), error_type=INVALID)]
        return Outcome(refusals, unmet=Unmet(perf_counter() - began, error.times))
    try:
        scope.limit(BUDGET)
        results = [_evaluated(each.expression, scope) for each in policy.validations]
        outcome = _outcome(policy, [*_refusals(policy, results, *_messages(policy, results, scope))])
        scope.limit(BUDGET)
        _annotate(outcome, policy, scope)
    except OutOfBudget as error:
        return _outcome(policy, [Refusal(0, str(error), error_type=OUT_OF_BUDGET)])
    return outcome


def _outcome(policy: Policy, found: Sequence[Refusal]) -> Outcome:
    ignored = [each for each in found if policy.ignores_failures and each.error_type != NO_ERROR]
    return Outcome([each for each in found if each not in ignored], ignored=ignored)


def _evaluated(expression: Expression, scope: Scope) -> _Result:
    """Raises OutOfBudget."""
    began = perf_counter()
    try:
        return _Result(scope.evaluate(expression), perf_counter() - began)
    except OutOfBudget:
        raise
    except ExpressionFailed as error:
        return _Result(None, perf_counter() - began, str(error))


def _messages(policy: Policy, results: Sequence[_Result], scope: Scope) -> tuple[list[str], str]:
    """What each messageExpression says, and why they say nothing if they cost too much.

    They are paid for out of what the validations left, those of validations that are fulfilled, too.
    """
    try:
        return [_message(*each, scope) for each in zip(policy.validations, results, strict=True)], ""
    except OutOfBudget as error:
        return [""] * len(results), f"failed messageExpression: {error}"


def _message(validation: Validation, result: _Result, scope: Scope) -> str:
    """A line; empty if nobody wants it, it fails or is none."""
    expression = validation.message_expression
    if expression is None or not (expression.is_costly or result.value is not True):
        return ""
    value = _evaluated(expression, scope).value
    text = value.strip() if isinstance(value, str) else ""
    return "" if "\n" in text or len(text.encode()) > _MAX_MESSAGE else text


def _refusals(
    policy: Policy, results: Sequence[_Result], messages: Sequence[str], problem: str
) -> Iterator[Refusal]:
    for index, (validation, result) in enumerate(zip(policy.validations, results, strict=True)):
        if failure := result.failure or problem:
            yield Refusal(index, failure, error_type=INVALID, seconds=result.seconds)
        elif result.value is not True:
            failed = f"failed expression: {validation.expression.text.strip()}"
            message = messages[index] or validation.message or failed
            yield Refusal(index, message, validation.reason, seconds=result.seconds)


def _annotate(outcome: Outcome, policy: Policy, scope: Scope) -> None:
    """Adds what is noted, in place. Raises OutOfBudget."""
    for key, expression in policy.annotations:
        value, _, failure = _evaluated(expression, scope)
        if failure and not policy.ignores_failures:
            outcome.denials.append(Refusal(0, failure, error_type=INVALID))
        if isinstance(value, str) and value.strip():
            outcome.annotations.append((key, value.strip()[:_MAX_ANNOTATION]))
