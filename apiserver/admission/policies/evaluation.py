"""A policy evaluated for one write and one parameter: what it decides, and what it notes.

Source: validator.go of k8s.io/apiserver/pkg/admission/plugin/policy/validating in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from apiserver.admission.conditions import ConditionsFailed, hold
from apiserver.admission.expressions import BUDGET, ExpressionFailed, Scope
from apiserver.admission.policies.policy import Policy, Validation

_MAX_MESSAGE = 5 * 1024
_MAX_ANNOTATION = 10 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """A validation that is not fulfilled, or that could not be evaluated."""

    index: int
    message: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    refusals: list[Refusal] = field(default_factory=list)
    """What the binding's actions say the consequences of."""
    denials: list[Refusal] = field(default_factory=list)
    """What denies whatever the actions are."""
    annotations: list[tuple[str, str]] = field(default_factory=list)


def evaluate(policy: Policy, scope: Scope) -> Outcome:
    try:
        if not hold(policy.conditions, scope, ignores_failures=policy.ignores_failures):
            return Outcome()
    except ConditionsFailed as error:
        return Outcome([Refusal(0, str(error))])
    scope.limit(BUDGET)
    outcome = Outcome(list(_refusals(policy, scope)))
    for key, expression in policy.annotations:
        try:
            value = scope.evaluate(expression)
        except ExpressionFailed as error:
            if not policy.ignores_failures:
                outcome.denials.append(Refusal(0, str(error)))
            continue
        if isinstance(value, str) and value.strip():
            outcome.annotations.append((key, value.strip()[:_MAX_ANNOTATION]))
    return outcome


def _refusals(policy: Policy, scope: Scope) -> Iterator[Refusal]:
    for index, validation in enumerate(policy.validations):
        try:
            holds = scope.evaluate(validation.expression)
        except ExpressionFailed as error:
            if not policy.ignores_failures:
                yield Refusal(index, str(error))
            continue
        if holds is not True:
            yield Refusal(index, _message(validation, scope), validation.reason)


def _message(validation: Validation, scope: Scope) -> str:
    """What the messageExpression says, if that fits in a line; else the message; else the expression."""
    computed = ""
    if validation.message_expression is not None:
        try:
            value = scope.evaluate(validation.message_expression)
        except ExpressionFailed:
            value = ""
        computed = value.strip() if isinstance(value, str) else ""
    if "\n" in computed or len(computed.encode()) > _MAX_MESSAGE:
        computed = ""
    return computed or validation.message or f"failed expression: {validation.expression.text.strip()}"
