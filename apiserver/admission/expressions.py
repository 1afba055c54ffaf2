"""CEL in admission: expressions about a write, and the variables that they see.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/cel of Kubernetes 1.34.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from apimachinery.objects import Object
from apiserver.cel.cost import estimate_cost
from apiserver.cel.environment import CompilationError, EvaluationError, Program, compile_expression
from apiserver.cel.libraries.authorization import ANSWERER, Answer
from apiserver.cel.libraries.function import OPAQUE
from apiserver.cel.patience import patiently, take_time
from apiserver.cel.shapes import ValueShape
from apiserver.cel.sizes import ONE
from apiserver.cel.structs import STRUCTS
from apiserver.cel.syntax import fields_of, has_loops, names_in
from apiserver.cel.types import DYN, ObjectType, Struct, Type, parse_type

T = TypeVar("T")

AUTHORIZER, REQUEST_RESOURCE, VARIABLES = "authorizer", "authorizer.requestResource", "variables"
BOOL, STRING, NULL = "bool", "string", "null_type"

_BASE: Mapping[str, Type] = {
    "object": DYN,
    "oldObject": DYN,
    "request": STRUCTS["AdmissionRequest"],
    "namespaceObject": STRUCTS["Namespace"],
}
_CHECKS = {
    AUTHORIZER: parse_type(OPAQUE["Authorizer"]),
    REQUEST_RESOURCE: parse_type(OPAQUE["ResourceCheck"]),
}
_CALL_LIMIT, BUDGET, CONDITIONS_BUDGET = 1_000_000, 10_000_000, 2_500_000
"""What one expression may cost, all of a policy's about one write, and all of its conditions."""
_UNCOUNTED = 10_000
"""What costs no more at most is taken to cost that: to count it would take longer than it does."""
_OUT_OF_BUDGET = (
    "validation failed due to running out of cost budget, no further validation rules will be run"
)
_NO_SUCH_KEY = re.compile(r"no such key: (.*)")


class ExpressionFailed(Exception):
    """Evaluating an expression gave no value; the message is upstream's."""


class OutOfBudget(ExpressionFailed):
    """All together cost too much: nothing more is evaluated."""


@dataclass(frozen=True, slots=True)
class Names:
    """What an expression may name beside the object and the request."""

    params: bool = False
    authorizer: bool = True
    variables: Mapping[str, Type] | None = None
    """Those defined before it; None: there is no such thing."""
    objects: Mapping[str, Type] = field(default_factory=dict)
    """What is known of `object`, `oldObject` and `params`, if it is more than nothing."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, or why it is none."""

    text: str
    error: str = ""
    program: Program | None = None
    names: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    is_costly: bool = False
    """Others cost so little that nobody counts."""


def compile_for_admission(text: str, wanted: Sequence[str], names: Names) -> Expression:
    """`wanted` are the types that it may have; none: any. Never raises: what is wrong is in `error`."""
    declared = _declared(names)
    try:
        program = compile_expression(text, declared)
    except CompilationError as error:
        return Expression(text, f"compilation failed: {error}")
    used, variables = frozenset(names_in(program.tree)), frozenset(fields_of(program.tree, VARIABLES))
    problem = _problem_of_type(program.result_type.declared_name, wanted)
    is_costly = has_loops(program.tree) or not used.isdisjoint(_CHECKS)
    return Expression(text, problem, program, used & declared.keys(), variables, is_costly)


def _declared(names: Names) -> Mapping[str, Type]:
    declared = {**_BASE, **({"params": DYN} if names.params else {}), **names.objects}
    if names.authorizer:
        declared |= _CHECKS
    if names.variables is not None:
        kinds = {name: _of_variable(kind) for name, kind in names.variables.items()}
        declared[VARIABLES] = Struct("kubernetes.variables", fields=kinds)
    return declared


def _of_variable(kind: Type) -> Type:
    """What others are told of a variable's type: nothing of the fields of objects."""
    if kind.name in ("list", "map"):
        return Type(kind.name, tuple(map(_of_variable, kind.parameters)))
    return DYN if isinstance(kind, ObjectType) or "." in kind.name or kind.parameters else kind


def _problem_of_type(found: str, wanted: Sequence[str]) -> str:
    if not wanted or found in wanted:
        return ""
    one = (
        f"must evaluate to {wanted[0]}"
        if len(wanted) == 1
        else f"must evaluate to one of [{' '.join(wanted)}]"
    )
    return f"{one} but got {found}"


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that a policy computes once, when it is first needed."""

    name: str
    expression: Expression

    @property
    def type(self) -> Type:
        program = self.expression.program
        return program.result_type if program is not None else DYN


class Scope:
    """What the expressions about one write see, and what the variables among it have turned out to be.

    An expression cannot wait for the answer to an authorization check: see `settled`.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        answer: Callable[[Object], Awaitable[Answer]],
        variables: Sequence[Variable] = (),
    ) -> None:
        self._values = values
        self._answer = answer
        self._variables = {each.name: each.expression for each in variables}
        self._computed: dict[str, Any] = {}
        self._failed: dict[str, str] = {}
        self._left = BUDGET
        self._answers: dict[str, Answer] = {}
        self._open: dict[str, Object] = {}

    async def settled(self, evaluate: Callable[[], T]) -> T:
        """What `evaluate` gives once every check that it makes has been answered.

        It is called anew after each round of checks and, in a thread, where it takes long; it must have no
        effect but its result.
        """
        anew = partial(self._anew, evaluate, self._left, dict(self._computed))
        while True:
            try:
                result = await patiently(anew)
            except ExpressionFailed:
                if not self._open:
                    raise
            else:
                if not self._open:
                    return result
            for key, check in self._open.items():
                self._answers[key] = await self._answer(check)

    def _anew(self, evaluate: Callable[[], T], left: int, computed: Mapping[str, Any]) -> T:
        """What was computed and asked in an earlier attempt is paid for and asked again."""
        self._left, self._computed = left, dict(computed)
        self._open.clear()
        self._failed.clear()
        return evaluate()

    def _answered(self, check: Object) -> Answer:
        """Raises ValueError, which ends the evaluation, for a check that `settled` has to see to first."""
        key = json.dumps(check, sort_keys=True)
        if key not in self._answers:
            self._open[key] = check
            raise ValueError("not answered yet")
        return self._answers[key]

    def limit(self, budget: int) -> None:
        """What the expressions that follow may cost together."""
        self._left = budget

    def evaluate(self, expression: Expression) -> Any:
        """Raises ExpressionFailed, OutOfBudget."""
        if expression.program is None or expression.error:
            raise ExpressionFailed(f"compilation error: {expression.error}")
        try:
            return self._evaluate(expression, expression.program)
        except EvaluationError as error:
            text = f"expression '{expression.text}' resulted in error: {self._cause(str(error))}"
            raise ExpressionFailed(text) from None

    def _evaluate(self, expression: Expression, program: Program) -> Any:
        data = {name: self._values.get(name) for name in expression.names}
        if expression.variables:
            # One that fails is left out: who short-circuits around it does not care.
            data[VARIABLES] = {
                name: self._computed[name] for name in expression.variables if self._is_computed(name)
            }
        token = ANSWERER.set(self._answered)
        try:
            return self._paid(program, data) if expression.is_costly else program.evaluate(data)
        finally:
            ANSWERER.reset(token)

    def _paid(self, program: Program, data: Mapping[str, Any]) -> Any:
        """What may cost much is counted. Raises EvaluationError if it is too expensive, OutOfBudget if all
        together are, TakesLong where there is no time."""
        shapes = {name: ValueShape([value]) for name, value in data.items()}
        bound = estimate_cost(program.checked, "object", shapes, ONE)
        if bound <= _UNCOUNTED:
            take_time(0)
            self._spend(bound)
            return program.evaluate(data)
        outcome = program.measure(data, _CALL_LIMIT)
        self._spend(outcome.cost)
        if outcome.error:
            raise EvaluationError(outcome.error)
        return outcome.value

    def _spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise OutOfBudget(_OUT_OF_BUDGET)

    def _is_computed(self, name: str) -> bool:
        if name not in self._computed and name not in self._failed:
            try:
                self._computed[name] = self.evaluate(self._variables[name])
            except OutOfBudget:
                raise
            except ExpressionFailed as error:
                self._failed[name] = f'composited variable "{name}" fails to evaluate: {error}'
        return name in self._computed

    def _cause(self, error: str) -> str:
        """A variable that is missing since it failed is told as its failure."""
        missing = _NO_SUCH_KEY.fullmatch(error)
        return self._failed.get(missing[1], error) if missing else error
