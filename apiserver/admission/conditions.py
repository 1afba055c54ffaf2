"""matchConditions: what an expression must say before a webhook or policy is asked at all.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery.errors import aggregate
from apimachinery.objects import Object
from apiserver.admission.expressions import (
    BOOL,
    CONDITIONS_BUDGET,
    Expression,
    ExpressionFailed,
    Names,
    OutOfBudget,
    Scope,
    compile_for_admission,
)


class ConditionsFailed(ExpressionFailed):
    """It cannot be told whether the conditions hold; `times` is how many failed, 0 if all cost too much."""

    def __init__(self, message: str, times: int) -> None:
        super().__init__(message)
        self.times = times


def parse_conditions(source: Object, names: Names) -> tuple[Expression, ...]:
    """Of a webhook or a policy's spec."""
    return tuple(
        compile_for_admission(each["expression"], (BOOL,), names)
        for each in source.get("matchConditions") or ()
    )


def hold(conditions: Iterable[Expression], scope: Scope) -> bool:
    """Whether all are true. One that is false decides; else failures raise ConditionsFailed."""
    scope.limit(CONDITIONS_BUDGET)
    failures = []
    for each in conditions:
        try:
            if scope.evaluate(each) is False:
                return False
        except OutOfBudget as error:
            raise ConditionsFailed(str(error), 0) from None
        except ExpressionFailed as error:
            failures.append(str(error))
    if failures:
        raise ConditionsFailed(aggregate(failures), len(failures))
    return True
