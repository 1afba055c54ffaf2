"""A checked expression as the runtime evaluates it, with calls in it that count what that costs.

What a part costs for certain is added up and spent before it; what depends on the size of a value is spent
as soon as the value is there. Source: planner.go, decorators.go and runtimecost.go of cel-go's interpreter.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from apiserver.cel.checker import Checked
from apiserver.cel.cost import is_bind
from apiserver.cel.declarations import CONSTANTS
from apiserver.cel.libraries.function import OPAQUE
from apiserver.cel.metering import FIXED, FORMULAS, NUMBERS
from apiserver.cel.runtime_form import made_of
from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    Message,
    Select,
    parts_of,
)
from apiserver.cel.types import ObjectType, Type

Priced = tuple[int, Expression]
"""What is to be spent before it, and what is evaluated."""

_LIST, _MAP, _MESSAGE = 10, 30, 40
_LOGIC = frozenset(("_&&_", "_||_"))
_CONVERSIONS = frozenset(("bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "uint"))
_TEXTS, _SIZED = ("string", "bytes"), ("string", "bytes", "list", "map")
_RESULTS = {"join": "read twice", "slice": "new list", "reverse": "new list", "lists.range": "new list"}
"""Formulas over the size of the result."""
_FORMULAS = {
    **dict.fromkeys(("startsWith", "endsWith", "strings.quote", "format", "url", "lowerAscii"), "read"),
    **dict.fromkeys(("upperAscii", "substring", "trim", "jsonpatch.escapeKey", "cidr", "isIP"), "read"),
    **dict.fromkeys(("isCIDR", "quantity", "isQuantity", "semver", "isSemver", "bytes", "string"), "read"),
    **dict.fromkeys(("replace", "split", "ip.isCanonical"), "read twice"),
    **dict.fromkeys(("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_"), "least"),
    **dict.fromkeys(("matches", "find", "findAll", "validate"), "pattern"),
    **dict.fromkeys(("sets.contains", "sets.intersects"), "subset"),
    **dict.fromkeys(("distinct", "sort", "@sortByAssociatedKeys"), "pairs"),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), "plain"),
    **dict.fromkeys(("fieldSelector", "labelSelector"), "selector"),
    "ip": "read", "@in": "plain", "_+_": "sum", "contains": "product", "sets.equivalent": "same",
    "flatten": "new list", "containsIP": "address", "containsCIDR": "network",
}  # fmt: skip
"""Formulas over the sizes of arguments."""
_SECOND = frozenset(("fieldSelector", "labelSelector", "@in", "@sortByAssociatedKeys"))
"""What is measured is the second argument."""
_ONE_ARGUMENT = frozenset(("plain", "read", "read twice", "selector", "pairs"))
_TEXT_ONLY = frozenset(("_<_", "_<=_", "_>_", "_>=_", "_+_", "bytes", "string"))
"""Those of other values cost one."""
_OPAQUE = frozenset(OPAQUE.values())


def metered_form(checked: Checked) -> Expression:
    return _paid(_Meterer(checked).node(checked.tree))


def _spend(formula: str, sizes: Sequence[Expression]) -> Call:
    return Call("cel.@spend", (Constant(NUMBERS[formula]), Aggregate(tuple(sizes), is_map=False)))


def _if(test: Expression, then: Expression, otherwise: Expression) -> Call:
    return Call("_?_:_", (test, then, otherwise))


def _paid(priced: Priced) -> Expression:
    """With what it costs for certain spent before it."""
    cost, made = priced
    return _if(Call("cel.@pay", (Constant(cost),)), made, Constant(None)) if cost else made


def _bound(name: str, value: Expression, result: Expression) -> Comprehension:
    """`cel.bind(name, value, result)`"""
    nothing = Aggregate((), is_map=False)
    return Comprehension("#unused", nothing, name, value, Constant(False), Identifier(name), result)


def _kind_of(value: Expression, names: Sequence[str]) -> Call:
    kinds = Aggregate(tuple(map(Identifier, names)), is_map=False)
    return Call("@in", (Call("type", (value,)), kinds))


def _is_attribute(expression: Expression) -> bool:
    match expression:
        case Identifier() | Select():
            return True
        case Call(function):
            return function in ("_[_]", "_[?_]", "_?._", "_?_:_")
    return False


def _is_folded(expression: Expression) -> bool:
    """Whether it is computed once, when the expression is compiled."""
    match expression:
        case Constant():
            return True
        case Aggregate(parts, _, optional):
            return not optional and all(map(_is_folded, parts))
        case Call(function, (argument,)):
            return function in _CONVERSIONS and _is_folded(argument)
        case Call("@in", (_, Aggregate((), False))):
            return True
    return False


class _Meterer:
    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._names = count()

    def _made(self, original: Expression, parts: Sequence[Expression]) -> Expression:
        return made_of(original, parts, self._checked)

    def node(self, expression: Expression) -> Priced:
        if _is_folded(expression):
            return 0, self._plain(expression)
        match expression:
            case Call("_?_:_", (test, *branches)):
                cost, made = self.node(test)
                return cost, self._made(expression, [made, *(_paid(self._inner(each)) for each in branches)])
            case Call() if not _is_attribute(expression):
                return self._call(expression)
            case Aggregate(_, is_map):
                return self._sum(expression, _MAP if is_map else _LIST)
            case Message():
                return self._sum(expression, _MESSAGE)
            case Comprehension():
                return self._loop(expression)
        return self._attribute(expression, 1)

    def _plain(self, expression: Expression) -> Expression:
        return self._made(expression, [*map(self._plain, parts_of(expression))])

    def _sum(self, expression: Expression, own: int) -> Priced:
        priced = [self.node(each) for each in parts_of(expression)]
        return own + sum(cost for cost, _ in priced), self._made(expression, [made for _, made in priced])

    # variables, fields and items: a chain of them is one attribute

    def _attribute(self, expression: Expression, base: int) -> Priced:
        """`base` is for the variable that it begins with, or for what else it begins with."""
        match expression:
            case Identifier(name):
                return (0 if name in CONSTANTS else base), expression
            case Select(operand, _, is_test):
                cost, made = self._chained(operand, base)
                return cost + (not is_test), self._made(expression, [made])
            case Call("_?_:_"):
                return self.node(expression)
        operand, step = parts_of(expression)
        (cost, made), (step_cost, by) = self._chained(operand, base), self._inner(step)
        return cost + step_cost + 1, self._made(expression, [made, by])

    def _chained(self, operand: Expression, base: int) -> Priced:
        if _is_attribute(operand):
            return self._attribute(operand, base)
        cost, made = self.node(operand)
        return cost + base, made

    def _inner(self, expression: Expression) -> Priced:
        """Within another attribute: what it begins with is not looked up by itself."""
        return self._attribute(expression, 0) if _is_attribute(expression) else self.node(expression)

    # loops

    def _loop(self, loop: Comprehension) -> Priced:
        (source_cost, source), (start_cost, start) = self.node(loop.range), self.node(loop.start)
        result_cost, result = self.node(loop.result)
        if is_bind(loop):
            condition, step = loop.condition, loop.step
        else:
            condition, step = _paid(self.node(loop.condition)), _paid(self.node(loop.step))
        made = self._made(loop, [source, start, condition, step, result])
        return source_cost + start_cost + result_cost, made

    # calls

    def _call(self, call: Call) -> Priced:
        priced = [self.node(each) for each in call.arguments]
        if call.function in _LOGIC:
            (cost, first), second = priced[0], _paid(priced[1])
            return cost, self._made(call, [first, second])
        paid, made = sum(cost for cost, _ in priced), [part for _, part in priced]
        if call.function == "@in" and self._is_set(call.arguments[1]):
            return paid, self._made(call, made)
        if call.function in _RESULTS:
            return paid, self._by_result(call, made)
        formula = self._formula(call)
        if formula is None:
            return paid + FIXED.get(call.function, 1), self._made(call, made)
        return self._by_arguments(call, formula, paid, made)

    def _is_set(self, items: Expression) -> bool:
        """What is looked up in constants is found at once."""
        return (
            _is_folded(items)
            and isinstance(items, Aggregate)
            and all(
                isinstance(each, Constant) and not isinstance(each.value, bytes | None)
                for each in items.parts
            )
        )

    def _by_result(self, call: Call, made: Sequence[Expression]) -> Expression:
        name = f"@m{next(self._names)}"
        result = Identifier(name)
        spent = _spend(_RESULTS[call.function], [Call("size", (result,))])
        return _bound(name, self._made(call, made), _if(spent, result, Constant(None)))

    def _by_arguments(self, call: Call, formula: str, paid: int, made: list[Expression]) -> Priced:
        bound: list[tuple[str, Expression]] = []
        for index, (original, part) in enumerate(zip(call.arguments, made, strict=True)):
            if not isinstance(original, Constant | Identifier):
                bound.append((f"@m{next(self._names)}", part))
                made[index] = Identifier(bound[-1][0])
        sizes = self._sizes(call, formula, made)
        known = [each.value for each in sizes if isinstance(each, Constant)]
        if len(known) == len(sizes):
            cost, whole = paid + FORMULAS[formula](*known), self._made(call, made)
        else:
            cost, whole = paid, _if(_spend(formula, sizes), self._made(call, made), Constant(None))
        for name, value in reversed(bound):
            whole = _bound(name, value, whole)
        return cost, whole

    def _formula(self, call: Call) -> str | None:
        """None: it costs one, or what is written down."""
        first = self._checked.type_of(call.arguments[0]) if call.arguments else None
        kinds = [self._checked.type_of(each) for each in call.arguments]
        name = call.function
        if first is None or (name == "ip" and first.name not in ("string", "dyn")):
            return None
        if name == "format" and not call.is_member:
            return None
        if name in _TEXT_ONLY and not any(each.is_anything or each.name in _TEXTS for each in kinds):
            return None
        if name == "@in" and kinds[1].name == "map":
            return None
        if name in ("_==_", "_!=_") and first.name in _OPAQUE:
            return None
        return _FORMULAS.get(name)

    def _sizes(self, call: Call, formula: str, made: Sequence[Expression]) -> list[Expression]:
        name, kinds = call.function, [self._checked.type_of(each) for each in call.arguments]
        measured = list(zip(made, kinds, call.arguments, strict=True))
        if name in _SECOND:
            measured = measured[1:]
        if name == "validate":
            return [self._size(*measured[1], _SIZED), Call("cel.@patternSize", (made[0],))]
        if name in ("containsIP", "containsCIDR"):
            other = self._size(*measured[1], _SIZED) if kinds[1].name in _TEXTS else Constant(0)
            return [Call("cel.@prefixBytes", (made[0],)), other]
        if formula == "plain" and name != "@in":
            return [Call("cel.@traversal", (made[0],))]
        if formula == "pairs":
            items = measured[0][0]
            size = Call("size", (items,))
            first = Call("_[_]", (items, Constant(0)))
            has_text = Call("_&&_", (Call("_>_", (size, Constant(0))), _kind_of(first, _TEXTS)))
            return [size, _if(has_text, Constant(1), Constant(0))]
        if name == "flatten":
            return [self._size(*measured[0], _SIZED), *made[1:]]
        wanted = ("list",) if name == "@in" else _TEXTS if name in _TEXT_ONLY else _SIZED
        amount = 1 if formula in _ONE_ARGUMENT else 2
        return [self._size(*each, wanted) for each in measured[:amount]]

    def _size(self, made: Expression, kind: Type, original: Expression, wanted: Sequence[str]) -> Expression:
        """Of values of other kinds than those wanted it is 1."""
        if isinstance(original, Constant):
            value = original.value
            return Constant(len(value) if isinstance(value, str | bytes) else 1)
        if kind.name in wanted and not isinstance(kind, ObjectType):
            return Call("size", (made,))
        if isinstance(kind, ObjectType) or kind.is_anything or kind.is_free:
            return _if(_kind_of(made, wanted), Call("size", (made,)), Constant(1))
        return Constant(1)
