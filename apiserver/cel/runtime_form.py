"""A checked expression as the runtime evaluates it: without what it has not, or means differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from apiserver.cel.checker import Checked
from apiserver.cel.equality import Plan, plan_of, written
from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    parts_of,
    with_parts,
)
from apiserver.cel.types import TIMESTAMP

_OF_NON_ZERO = "optional.ofNonZeroValue"
_UNORDERED = {"_==_": "@equal", "_!=_": "@equal", "_+_": "@joined"}
"""What is called instead where there are lists whose order does not count."""


def runtime_form(checked: Checked) -> Expression:
    def form(expression: Expression) -> Expression:
        return made_of(expression, [*map(form, parts_of(expression))], checked)

    return form(checked.tree)


def made_of(original: Expression, parts: Sequence[Expression], checked: Checked) -> Expression:
    """What becomes of a part, of whose own parts these have become."""
    made = with_parts(original, parts)
    match made:
        case Call():
            return _call(made, original, checked)
        case Comprehension(start=Aggregate((), True)):
            return _merging(made)
    return made


def _merging(loop: Comprehension) -> Expression:
    """transformMap and transformMapEntry: maps can't grow here, so entries are merged at the end."""
    made = Identifier(loop.accumulator, loop.position)
    return replace(
        loop,
        start=Aggregate((), is_map=False, position=loop.position),
        step=_longer(loop.step),
        result=Call("cel.@merged", (made,), position=loop.position),
    )


def _longer(step: Expression) -> Expression:
    """`cel.@mapInsert(made, key, value)` as `made + [{key: value}]`, behind the filter that there may be."""
    assert isinstance(step, Call), "what the macros make"
    match step:
        case Call("_?_:_", (test, insert, made)):
            return with_parts(step, [test, _longer(insert), made])
        case Call(_, (made, entry)):
            items = Aggregate((entry,), is_map=False, position=step.position)
        case Call(_, (made, *pair)):
            entry = Aggregate(tuple(pair), is_map=True, position=step.position)
            items = Aggregate((entry,), is_map=False, position=step.position)
    return Call("_+_", (made, items), position=step.position)


def _call(call: Call, original: Expression, checked: Checked) -> Expression:
    """The runtime takes no optionals from our functions: what is empty stands for none."""
    if call.function in _UNORDERED:
        plan = plan_of(checked.type_of(parts_of(original)[0]))
        return _without_order(call, plan) if plan is not None else call
    if call.function == _OF_NON_ZERO and checked.type_of(parts_of(original)[0]) == TIMESTAMP:
        return _of_non_zero_time(call)
    overload = checked.overloads.get(id(original))
    if overload is None:
        return call
    named = replace(call, function=overload.runtime_name) if overload.runtime_name else call
    if not overload.makes_optional:
        return named
    return Call(_OF_NON_ZERO, (named,), position=call.position)


def _of_non_zero_time(call: Call) -> Expression:
    """Go's times begin in the year 1, the runtime's in 1970."""
    time, at = Identifier("@time", call.position), call.position
    is_zero = Call("_==_", (time, Call("timestamp", (Constant("0001-01-01T00:00:00Z"),))))
    made = Call("_?_:_", (is_zero, Call("optional.none", ()), Call("optional.of", (time,))), position=at)
    nothing = Aggregate((), is_map=False)
    return Comprehension("#unused", nothing, "@time", call.arguments[0], Constant(False), time, made)


def _without_order(call: Call, plan: Plan) -> Expression:
    at = call.position
    told = Constant(written(plan), at)
    made = Call(_UNORDERED[call.function], (*call.arguments, told), position=at)
    return Call("!_", (made,), position=at) if call.function == "_!=_" else made
