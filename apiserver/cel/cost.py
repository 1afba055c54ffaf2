"""What evaluating an expression may cost at most, in the units of upstream's estimator.

Given shapes of a schema it is an estimate for all objects there may be; given shapes of values, for these.
Source: cel-go's checker/cost.go, and pkg/cel/library/cost.go of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

from apiserver.cel.shapes import ANYTHING, Shape, Sized
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

MAX_COST = 2**64 - 1
_TRAVERSAL = 0.1
"""Of one character of a string."""
_REGEX = 0.25
_LIST, _MAP = 10, 30


class Estimate(NamedTuple):
    cost: int
    shape: Shape


def estimate_cost(expression: Expression, variables: Mapping[str, Shape]) -> int:
    return min(_estimate(expression, variables).cost, MAX_COST)


def _estimate(expression: Expression, scope: Mapping[str, Shape]) -> Estimate:
    match expression:
        case Constant(value):
            return Estimate(0, Sized(len(value)) if isinstance(value, (str, bytes)) else ANYTHING)
        case Identifier(name):
            return Estimate(1, scope.get(name, ANYTHING))
        case Select():
            return _select(expression, scope)
        case Aggregate(parts, is_map):
            estimates = [_estimate(each, scope) for each in parts]
            base, length = (_MAP, len(parts) // 2) if is_map else (_LIST, len(parts))
            inside = max((each.shape for each in estimates), key=Shape.size, default=ANYTHING)
            return Estimate(base + sum(each.cost for each in estimates), Sized(length, inside))
        case Call(function, arguments):
            return _call(function, [_estimate(each, scope) for each in arguments])
        case Message(_, fields):
            return Estimate(_MAP + sum(_estimate(each, scope).cost for _, each in fields), ANYTHING)
        case Comprehension():
            return _comprehension(expression, scope)


def _select(expression: Select, scope: Mapping[str, Shape]) -> Estimate:
    operand = _estimate(expression.operand, scope)
    if expression.is_test:
        return Estimate(operand.cost, ANYTHING)
    return Estimate(operand.cost + 1, operand.shape.field(expression.field))


def _comprehension(loop: Comprehension, scope: Mapping[str, Shape]) -> Estimate:
    source, start = _estimate(loop.range, scope), _estimate(loop.start, scope)
    times = source.shape.size()
    builds_list = isinstance(loop.start, Aggregate)
    made: Shape = Sized(times) if builds_list else start.shape
    inner = {**scope, loop.variable: source.shape.iterated(), loop.accumulator: made}
    condition, step = _estimate(loop.condition, inner), _estimate(loop.step, inner)
    outer = {**scope, loop.accumulator: made}
    result = _estimate(loop.result, outer)
    cost = source.cost + start.cost + times * (condition.cost + step.cost) + result.cost
    return Estimate(cost, made if builds_list else result.shape)


def _call(function: str, arguments: Sequence[Estimate]) -> Estimate:
    paid = sum(each.cost for each in arguments)
    shapes = [each.shape for each in arguments]
    if function in ("_&&_", "_||_"):
        return Estimate(paid, ANYTHING)
    if function == "_?_:_":
        test, yes, no = arguments
        return Estimate(test.cost + max(yes.cost, no.cost), max(yes.shape, no.shape, key=Shape.size))
    price = _PRICES.get(function)
    own = price(shapes) if price else 1
    return Estimate(paid + ceil(own), _result(function, shapes))


def _traversal(shapes: Sequence[Shape]) -> float:
    """Reading a string, or a list, once."""
    return 1 + shapes[0].size() * _TRAVERSAL if shapes else 1


def _each_item(shapes: Sequence[Shape]) -> float:
    """Looking at all items, which may be strings."""
    return 1 + shapes[0].size() * max(1.0, shapes[0].item().size() * _TRAVERSAL)


def _search(shapes: Sequence[Shape]) -> float:
    return max(1.0, shapes[0].size() * _TRAVERSAL) * max(1.0, shapes[1].size() * _TRAVERSAL)


def _match(shapes: Sequence[Shape]) -> float:
    return max(1.0, (shapes[0].size() + 1) * _TRAVERSAL) * max(1.0, shapes[1].size() * _REGEX)


def _argument(shapes: Sequence[Shape]) -> float:
    return max(1.0, shapes[-1].size() * _TRAVERSAL)


def _comparison(shapes: Sequence[Shape]) -> float:
    return max(1.0, min(each.size() for each in shapes) * _TRAVERSAL)


def _concatenation(shapes: Sequence[Shape]) -> float:
    return max(1.0, sum(each.size() for each in shapes) * _TRAVERSAL)


def _pairs(shapes: Sequence[Shape]) -> float:
    """Each item of one list against each of another."""
    return max(1, shapes[0].size() * shapes[-1].size())


_PRICES: dict[str, Callable[[Sequence[Shape]], float]] = {
    "@in": lambda shapes: max(1, shapes[1].size()),
    "contains": _search,
    "matches": _match,
    "find": _match,
    "findAll": _match,
    "startsWith": _argument,
    "endsWith": _argument,
    "_==_": _comparison,
    "_!=_": _comparison,
    "_<_": _comparison,
    "_<=_": _comparison,
    "_>_": _comparison,
    "_>=_": _comparison,
    "_+_": _concatenation,
    **dict.fromkeys(
        ("isSorted", "sum", "min", "max", "indexOf", "lastIndexOf", "join", "flatten", "slice", "reverse"),
        _each_item,
    ),
    **dict.fromkeys(("distinct", "sort"), lambda shapes: _pairs((shapes[0], shapes[0]))),
    **dict.fromkeys(("sets.contains", "sets.equivalent", "sets.intersects"), _pairs),
    **dict.fromkeys(
        (
            "url", "isURL", "quantity", "isQuantity", "ip", "isIP", "cidr", "isCIDR", "semver", "isSemver",
            "lowerAscii", "upperAscii", "substring", "trim", "replace", "split", "format", "strings.quote",
            "bytes",
        ),
        _traversal,
    ),
}  # fmt: skip


def _result(function: str, shapes: Sequence[Shape]) -> Shape:
    """How large what a function gives may be."""
    match function:
        case "_[_]" | "_[?_]":
            return shapes[0].item()
        case "_+_":
            return Sized(sum(each.size() for each in shapes), shapes[0].item())
        case "lowerAscii" | "upperAscii" | "substring" | "trim" | "find" | "charAt" | "string":
            return Sized(shapes[0].size())
        case "replace":
            return Sized(shapes[0].size() * max(1, shapes[-1].size()))
        case "split" | "findAll":
            return Sized(shapes[0].size(), Sized(shapes[0].size()))
        case "join":
            return Sized(shapes[0].size() * (shapes[0].item().size() + 1))
        case "min" | "max":
            return shapes[0].item()
        case "slice" | "reverse" | "distinct" | "sort" | "flatten" | "value" | "orValue" | "optional.of":
            return shapes[0]
    return ANYTHING
