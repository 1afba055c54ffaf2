"""Loops that turn more often than the runtime allows in one evaluation are turned here.

The runtime gives up after ten thousand turns of all loops together; upstream knows a limit of cost only. Of
an expression that comes so far the outermost loops are taken out, and turned for a part of the items at a
time or, where that is still too much, turn by turn, with the loops inside treated in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from apiserver.cel.cost import is_bind
from apiserver.cel.libraries.function import Function, function
from apiserver.cel.metering import METER
from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    names_in,
    parts_of,
    walk,
    with_parts,
)

Variables = Mapping[str, Any]
Evaluate = Callable[[Variables], Any]
"""evaluate(variables) gives a plain value, or raises ValueError."""
Make = Callable[[Expression, bool], Evaluate]
"""make(expression, turns_on): whether it goes on by hand where the runtime gives up."""

_PART = 1000
"""Items that the runtime is given at a time."""


class TooManyTurns(ValueError):
    """The runtime has given up."""


@dataclass(frozen=True, slots=True)
class _Loop:
    tree: Comprehension
    locals: tuple[str, ...]
    """Variables from around it that the whole expression does not have."""
    source: Evaluate
    start: Evaluate
    condition: Evaluate
    step: Evaluate
    result: Evaluate
    part: Evaluate
    """Turns for the items of `@part`, with `@made` as they begin. Raises TooManyTurns."""

    def turn(self, variables: Variables) -> Any:
        """The loop's value. Raises ValueError."""
        tree, failure = self.tree, None
        source, made = self.source(variables), self.start(variables)
        items = list(source.items() if tree.second_variable and isinstance(source, dict) else source)
        collects, is_patient = _collects(tree), tree.condition != Constant(True)
        for first in range(0, len(items), _PART):
            if is_patient and made is _decided(tree) and not self.condition(self._with(variables, made)):
                break
            part = items[first : first + _PART]
            try:
                got = self._turns(variables, part, first, [] if collects else made)
            except ValueError as error:
                if not is_patient:
                    raise
                # What comes may decide the matter all the same, as `false && error` does.
                failure = failure or error
                continue
            made = made + got if collects else got
        if failure is not None and made is not _decided(tree):
            raise failure
        return self.result(self._with(variables, made))

    def _with(self, variables: Variables, made: Any) -> dict[str, Any]:
        return {**variables, self.tree.accumulator: made}

    def _turns(self, variables: Variables, items: Sequence[Any], first: int, made: Any) -> Any:
        """What is made of these items, of which the first has that number."""
        if not self.tree.second_variable:
            spent = _spent()
            try:
                return self.part({**variables, "@part": items, "@made": made})
            except TooManyTurns:
                _give_back(spent)
        for number, each in enumerate(items, first):
            inner = {**self._with(variables, made), **self._variables(number, each)}
            if not self.condition(inner):
                break
            if _collects(self.tree):
                made += self.step({**inner, self.tree.accumulator: []})
            else:
                made = self.step(inner)
        return made

    def _variables(self, number: int, item: Any) -> dict[str, Any]:
        """Those of one turn."""
        if not self.tree.second_variable:
            return {self.tree.variable: item}
        key, value = item if isinstance(item, tuple) else (number, item)
        return {self.tree.variable: key, self.tree.second_variable: value}


def _decided(loop: Comprehension) -> bool:
    """The value at which `exists` or `all` need not look further."""
    return any(isinstance(each, Call) and each.function == "!_" for each in walk(loop.condition))


def _collects(loop: Comprehension) -> bool:
    """Whether each turn adds to a list, or leaves it."""
    return loop.start == Aggregate((), is_map=False) and _adds(loop.step, loop.accumulator)


def _adds(step: Expression, accumulator: str) -> bool:
    match step:
        case Identifier(name):
            return name == accumulator
        case Call("_+_", (Identifier(name), _)):
            return name == accumulator
        case Call("_?_:_", (_, yes, no)):
            return _adds(yes, accumulator) and (no == Constant(None) or _adds(no, accumulator))
    return False


def _spent() -> int:
    meter = METER.get(None)
    return meter.spent if meter is not None else 0


def _give_back(spent: int) -> None:
    """What was counted in vain."""
    meter = METER.get(None)
    if meter is not None:
        meter.spent = spent


_RUNNING: ContextVar[tuple[Sequence[_Loop], Variables]] = ContextVar("running")


def by_hand(tree: Expression, make: Make) -> Evaluate:
    """The same expression with its outermost loops turned here."""
    loops: list[_Loop] = []

    def without_loops(expression: Expression, around: frozenset[str]) -> Expression:
        if isinstance(expression, Comprehension) and not is_bind(expression):
            loops.append(_loop_of(expression, around, make))
            names = Aggregate(tuple(map(Identifier, loops[-1].locals)), is_map=False)
            return Call("cel.@turned", (Constant(len(loops) - 1), names))
        inner = around | {expression.accumulator} if isinstance(expression, Comprehension) else around
        parts = parts_of(expression)
        return with_parts(
            expression,
            [without_loops(each, inner if each is parts[-1] else around) for each in parts],
        )

    whole = make(without_loops(tree, frozenset()), True)

    def evaluate(variables: Variables) -> Any:
        token = _RUNNING.set((loops, variables))
        try:
            return whole(variables)
        finally:
            _RUNNING.reset(token)

    return evaluate


def _loop_of(loop: Comprehension, around: frozenset[str], make: Make) -> _Loop:
    known = tuple(sorted(around & names_in(loop)))
    start = loop.start if _collects(loop) else Identifier("@made")
    part = replace(loop, range=Identifier("@part"), start=start, result=Identifier(loop.accumulator))
    source, begin, condition, step, result = (make(each, True) for each in parts_of(loop))
    return _Loop(loop, known, source, begin, condition, step, result, make(part, False))


def _turned(number: int, values: Sequence[Any]) -> Any:
    loops, variables = _RUNNING.get()
    loop = loops[number]
    return loop.turn({**variables, **dict(zip(loop.locals, values, strict=True))})


FUNCTIONS: tuple[Function, ...] = (function("cel.@turned", "int list<dyn>", "dyn", _turned),)
