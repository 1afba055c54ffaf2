"""What evaluating an expression may cost at most, in the units of upstream's estimator.

Given shapes of a schema it is upstream's estimate for all objects there may be; given shapes of values, one
for these. What functions cost is in `prices`.
Source: cel-go's checker/cost.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

from apiserver.cel.checker import Checked
from apiserver.cel.macros import ACCUMULATOR
from apiserver.cel.prices import price_of
from apiserver.cel.shapes import INDICES, ITEMS, KEYS, UNKNOWN, VALUES, Shape
from apiserver.cel.sizes import ANY_SIZE, NOTHING, ONE, Entries, Node, Range, fixed
from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    Message,
    Select,
)
from apiserver.cel.types import ObjectType, unwrapped

_LIST, _MAP, _MESSAGE = fixed(10), fixed(30), fixed(40)
_SCALARS = frozenset(("bool", "double", "duration", "int", "timestamp", "uint"))


class _Local(NamedTuple):
    """A variable of a loop, or one that is bound."""

    place: Shape | None
    size: Range | None
    entries: Entries | None = None


_Scope = Mapping[str, _Local]


def estimate_cost(
    checked: Checked, root: str, variables: Mapping[str, Shape], unknown: Range = ANY_SIZE
) -> int:
    """`unknown` is the size of what nothing is known of.

    Where upstream loses the way from a variable, it goes on from the root: so do we, for the same numbers.
    """
    estimator = _Estimator(checked, variables, variables.get(root, UNKNOWN), unknown)
    return estimator.node(checked.tree, {}).cost.most


class _Estimator:
    def __init__(self, checked: Checked, variables: Mapping[str, Shape], root: Shape, unknown: Range) -> None:
        self._checked = checked
        self._variables = variables
        self._root = root
        self._unknown = unknown

    def node(self, expression: Expression, scope: _Scope) -> Node:
        match expression:
            case Constant(value):
                length = len(value) if isinstance(value, (str, bytes)) else 1
                return self._made(expression, NOTHING, fixed(length))
            case Identifier(name):
                return self._identifier(expression, name, scope)
            case Select():
                return self._select(expression, scope)
            case Call("dyn", (argument,)):
                inner = self.node(argument, scope)
                size = inner.size if inner.is_sized else None
                return self._made(expression, inner.cost.plus(ONE), size, entries=inner.entries)
            case Call():
                return self._call(expression, scope)
            case Aggregate():
                return self._aggregate(expression, scope)
            case Message(_, fields):
                parts = [self.node(value, scope).cost for _, value in fields]
                return self._made(expression, _sum(parts).plus(_MESSAGE))
            case Comprehension():
                return self._bind(expression, scope) if is_bind(expression) else self._loop(expression, scope)

    def _made(
        self,
        expression: Expression,
        cost: Range,
        size: Range | None = None,
        *,
        place: Shape | None = None,
        entries: Entries | None = None,
        local: Range | None = None,
    ) -> Node:
        """The size is what is told, or what the place has, the type, or the variable."""
        kind = self._checked.type_of(expression)
        if size is None and place is not None and (most := place.size()) is not None:
            size = Range(0, most)
        if size is None and unwrapped(kind)[0].name in _SCALARS:
            size = ONE
        size = local if size is None else size
        known = self._unknown if size is None else size
        return Node(expression, kind, cost, known, size is not None, place, entries)

    def _below(self, node: Node, step: str) -> Shape:
        return self._root if node.place is None else node.place.child(step)

    def _identifier(self, expression: Expression, name: str, scope: _Scope) -> Node:
        local = scope.get(name)
        if local is None:
            return self._made(expression, ONE, place=self._variables.get(name, self._root))
        return self._made(expression, ONE, place=local.place, entries=local.entries, local=local.size)

    def _select(self, select: Select, scope: _Scope) -> Node:
        operand = self.node(select.operand, scope)
        if select.is_test:
            return self._made(select, operand.cost)
        is_priced = operand.type.name == "map" or isinstance(operand.type, ObjectType)
        cost = operand.cost.plus(ONE) if is_priced else operand.cost
        return self._made(select, cost, place=self._below(operand, select.field))

    def _call(self, call: Call, scope: _Scope) -> Node:
        nodes = [self.node(each, scope) for each in call.arguments]
        paid = _sum([each.cost for each in nodes])
        match call.function, nodes:
            case (("_&&_" | "_||_"), _):
                return self._made(call, paid)
            case "_?_:_", [test, yes, no]:
                cost = test.cost.plus(yes.cost.union(no.cost))
                entries = yes.entries.union(no.entries) if yes.entries and no.entries else None
                return self._made(call, cost, yes.size.union(no.size), entries=entries)
            case "_[_]", [of, _]:
                step = ITEMS if of.type.name == "list" else VALUES
                size = of.entries.value if of.entries is not None else None
                return self._made(call, paid.plus(ONE), size, place=self._below(of, step))
        price = price_of(call, nodes, self._unknown)
        return self._made(call, paid.plus(price.cost), price.size, entries=price.entries)

    def _aggregate(self, literal: Aggregate, scope: _Scope) -> Node:
        nodes = [self.node(each, scope) for each in literal.parts]
        cost = _sum([each.cost for each in nodes]).plus(_MAP if literal.is_map else _LIST)
        if not literal.is_map:
            entries = Entries(True, ONE, _union([each.size for each in nodes]))
            return self._made(literal, cost, fixed(len(nodes)), entries=entries)
        keys, values = (_union([each.size for each in nodes[turn::2]]) for turn in (0, 1))
        return self._made(literal, cost, fixed(len(nodes) // 2), entries=Entries(False, keys, values))

    # loops

    def _loop(self, loop: Comprehension, scope: _Scope) -> Node:
        source, start = self.node(loop.range, scope), self.node(loop.start, scope)
        outer = {**scope, loop.accumulator: _local_of(start)}
        inner = {**outer, **self._iterated(loop, source)}
        condition, step = self.node(loop.condition, inner), self.node(loop.step, inner)
        turns = source.size.times(condition.cost.plus(step.cost))
        cost = _sum([source.cost, start.cost, self.node(loop.result, outer).cost, turns])
        if isinstance(loop.start, Aggregate):
            return self._made(loop, cost, source.size, entries=step.entries)
        return self._made(loop, cost, start.size if isinstance(loop.start, Constant) else None)

    def _iterated(self, loop: Comprehension, source: Node) -> _Scope:
        """The variables of a loop."""
        entries = source.entries
        is_list = entries.is_list if entries is not None else source.type.name == "list"
        key = _Local(self._below(source, INDICES if is_list else KEYS), entries.key if entries else None)
        value = _Local(self._below(source, ITEMS if is_list else VALUES), entries.value if entries else None)
        if loop.second_variable:
            return {loop.variable: key, loop.second_variable: value}
        return {loop.variable: value if is_list else key}

    def _bind(self, loop: Comprehension, scope: _Scope) -> Node:
        source, start = self.node(loop.range, scope), self.node(loop.start, scope)
        result = self.node(loop.result, {**scope, loop.accumulator: _local_of(start)})
        size = result.size if result.is_sized else None
        return self._made(loop, _sum([source.cost, start.cost, result.cost]), size, entries=result.entries)


def _local_of(node: Node) -> _Local:
    return _Local(node.place, node.size if node.is_sized else None, node.entries)


def is_bind(loop: Comprehension) -> bool:
    nothing = Aggregate((), is_map=False)
    return loop.range == nothing and loop.condition == Constant(False) and loop.accumulator != ACCUMULATOR


def _sum(costs: Sequence[Range]) -> Range:
    return reduce(Range.plus, costs, NOTHING)


def _union(sizes: Sequence[Range]) -> Range:
    return reduce(Range.union, sizes) if sizes else NOTHING
