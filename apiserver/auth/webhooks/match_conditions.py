"""matchConditions of an authorizer: what must be true of a request before a webhook is asked about it.

Source: staging/src/k8s.io/apiserver/pkg/authorization/cel of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apimachinery.errors import aggregate
from apimachinery.objects import Object
from apiserver.cel.environment import CompilationError, EvaluationError, Program, compile_expression
from apiserver.cel.structs import STRUCTS
from apiserver.cel.types import BOOL

_REQUEST = "request"
_STRINGS = ("namespace", "verb", "group", "version", "resource", "subresource", "name")


class ConditionError(Exception):
    """It cannot be told whether the conditions hold."""


@dataclass(frozen=True, slots=True)
class Condition:
    text: str
    program: Program


def compile_condition(text: str) -> Condition:
    """Raises CompilationError, in upstream's words."""
    try:
        program = compile_expression(text, {_REQUEST: STRUCTS["SubjectAccessReviewSpec"]})
    except CompilationError as error:
        raise CompilationError(f"compilation failed: {error}") from None
    if program.result_type != BOOL:
        raise CompilationError(f"must evaluate to bool but got {program.result_type.declared_name}")
    return Condition(text, program)


class MatchConditions:
    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = tuple(conditions)

    def __bool__(self) -> bool:
        return bool(self._conditions)

    def hold(self, spec: Object) -> bool:
        """Whether all are true of a SubjectAccessReview's spec. One that is false decides, whatever fails.

        Raises ConditionError.
        """
        variables = {_REQUEST: _complete(spec)}
        failures = []
        for each in self._conditions:
            try:
                if not each.program.evaluate(variables):
                    return False
            except EvaluationError as error:
                text = f"cel evaluation error: expression '{each.text}' resulted in error: {error}"
                failures.append(text)
        if failures:
            raise ConditionError(aggregate(failures))
        return True


def _complete(spec: Object) -> Object:
    """With the fields that are always there for expressions, empty ones too."""
    request: dict[str, Any] = {"user": "", "groups": [], "uid": "", "extra": {}, **spec}
    for name, strings in (("resourceAttributes", _STRINGS), ("nonResourceAttributes", ("path", "verb"))):
        if name in spec:
            request[name] = {**dict.fromkeys(strings, ""), **spec[name]}
    return request
