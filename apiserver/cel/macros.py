"""Macros that the runtime's parser does not know: loops with two variables, and sortBy.

Source: ext/comprehensions.go and ext/lists.go of cel-go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    Select,
    parts_of,
    with_parts,
)

ACCUMULATOR, MAP_INSERT = "@result", "cel.@mapInsert"
SORT_INPUT = "@__sortBy_input__"
_SORTABLE = (Aggregate, Select, Identifier, Comprehension, Call)


class MacroError(ValueError):
    """A macro that is not used as it must be."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def expanded(expression: Expression) -> Expression:
    """Without those macros. Raises MacroError."""
    inside = with_parts(expression, [*map(expanded, parts_of(expression))])
    if not isinstance(inside, Call) or not inside.is_member:
        return inside
    macro = _MACROS.get((inside.function, len(inside.arguments) - 1))
    return macro(inside) if macro is not None else inside


class _At:
    """Makes expressions that stand where the macro does."""

    def __init__(self, position: int) -> None:
        self.position = position
        self.accumulated = Identifier(ACCUMULATOR, position)

    def constant(self, value: Any) -> Expression:
        return Constant(value, self.position)

    def call(self, function: str, *arguments: Expression) -> Expression:
        return Call(function, arguments, position=self.position)

    def list(self, *items: Expression) -> Expression:
        return Aggregate(items, is_map=False, position=self.position)

    def loop(self, call: Call, **parts: Any) -> Expression:
        source, first, second, *_ = call.arguments
        names = [_simple_name(each) for each in (first, second)]
        if names[0] == names[1]:
            raise MacroError(f"duplicate variable name: {names[0]}", second.position)
        return Comprehension(
            variable=names[0],
            second_variable=names[1],
            range=source,
            accumulator=ACCUMULATOR,
            position=self.position,
            **parts,
        )


def _simple_name(expression: Expression) -> str:
    if not isinstance(expression, Identifier):
        raise MacroError("argument must be a simple name", expression.position)
    return expression.name


def _all(call: Call) -> Expression:
    at = _At(call.position)
    return at.loop(
        call,
        start=at.constant(True),
        condition=at.call("@not_strictly_false", at.accumulated),
        step=at.call("_&&_", at.accumulated, call.arguments[3]),
        result=at.accumulated,
    )


def _exists(call: Call) -> Expression:
    at = _At(call.position)
    return at.loop(
        call,
        start=at.constant(False),
        condition=at.call("@not_strictly_false", at.call("!_", at.accumulated)),
        step=at.call("_||_", at.accumulated, call.arguments[3]),
        result=at.accumulated,
    )


def _exists_one(call: Call) -> Expression:
    at = _At(call.position)
    one_more = at.call("_+_", at.accumulated, at.constant(1))
    return at.loop(
        call,
        start=at.constant(0),
        condition=at.constant(True),
        step=at.call("_?_:_", call.arguments[3], one_more, at.accumulated),
        result=at.call("_==_", at.accumulated, at.constant(1)),
    )


def _collected(call: Call, start: Expression, more: Expression) -> Expression:
    """A loop that makes more out of what there is for each turn that passes the filter, if there is one."""
    at = _At(call.position)
    is_filtered = len(call.arguments) == 5
    step = at.call("_?_:_", call.arguments[3], more, at.accumulated) if is_filtered else more
    return at.loop(call, start=start, condition=at.constant(True), step=step, result=at.accumulated)


def _transform_list(call: Call) -> Expression:
    at = _At(call.position)
    return _collected(call, at.list(), at.call("_+_", at.accumulated, at.list(call.arguments[-1])))


def _transform_map(call: Call) -> Expression:
    at = _At(call.position)
    more = at.call(MAP_INSERT, at.accumulated, call.arguments[1], call.arguments[-1])
    return _collected(call, Aggregate((), is_map=True, position=call.position), more)


def _transform_map_entry(call: Call) -> Expression:
    at = _At(call.position)
    more = at.call(MAP_INSERT, at.accumulated, call.arguments[-1])
    return _collected(call, Aggregate((), is_map=True, position=call.position), more)


def _sort_by(call: Call) -> Expression:
    """The list is kept under a name, mapped to its keys, and sorted by them."""
    source, variable, key = call.arguments
    at = _At(call.position)
    if not isinstance(source, _SORTABLE):
        text = "sortBy can only be applied to a list, identifier, comprehension, call or select expression"
        raise MacroError(text, source.position)
    kept = Identifier(SORT_INPUT, call.position)
    keys = Comprehension(
        variable=_simple_name(variable),
        range=kept,
        accumulator=ACCUMULATOR,
        start=at.list(),
        condition=at.constant(True),
        step=at.call("_+_", at.accumulated, at.list(key)),
        result=at.accumulated,
        position=call.position,
    )
    return Comprehension(
        variable="#unused",
        range=at.list(),
        accumulator=SORT_INPUT,
        start=source,
        condition=at.constant(False),
        step=kept,
        result=Call("@sortByAssociatedKeys", (kept, keys), is_member=True, position=call.position),
        position=call.position,
    )


_MACROS: dict[tuple[str, int], Callable[[Call], Expression]] = {
    ("all", 3): _all,
    ("exists", 3): _exists,
    ("existsOne", 3): _exists_one,
    ("exists_one", 3): _exists_one,
    ("transformList", 3): _transform_list,
    ("transformList", 4): _transform_list,
    ("transformMap", 3): _transform_map,
    ("transformMap", 4): _transform_map,
    ("transformMapEntry", 3): _transform_map_entry,
    ("transformMapEntry", 4): _transform_map_entry,
    ("sortBy", 2): _sort_by,
}
"""By name and number of arguments."""
