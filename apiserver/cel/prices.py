"""What a call costs, beside what its arguments cost, and how large its result may be.

Source: checker/cost.go, ext/lists.go and ext/sets.go of cel-go, pkg/cel/library/cost.go of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from apiserver.cel.sizes import MAX, NOTHING, ONE, Entries, Node, Range, fixed
from apiserver.cel.syntax import Call, Constant
from apiserver.cel.types import Type

_TRAVERSAL, _REGEX = 0.1, 0.25
"""Of one character."""
_NEW_LIST, _REQUIREMENT = fixed(10), 50
_CHECK = 350_000
_FORMAT_PATTERN = 128
_ADDRESS = Range(4, 16)


class Price(NamedTuple):
    cost: Range
    size: Range | None = None
    entries: Entries | None = None


Nodes = Sequence[Node]
Estimate = Callable[[Nodes, Range], Price]
"""estimate(arguments, unknown); of a method the first is its object."""


def price_of(call: Call, nodes: Nodes, unknown: Range) -> Price:
    estimate = _PRICES.get(call.function)
    return estimate(nodes, unknown) if estimate is not None and nodes else Price(ONE)


def _may_be(kind: Type, *names: str) -> bool:
    return kind.is_anything or kind.name in names


def _traversed(factor: float, *, keeps_size: bool = False) -> Estimate:
    """Reads the first argument, which is a text."""

    def estimate(nodes: Nodes, unknown: Range) -> Price:
        return Price(nodes[0].size.scaled(factor), nodes[0].size if keeps_size else None)

    return estimate


def _always(cost: int) -> Estimate:
    return lambda nodes, unknown: Price(fixed(cost))


def _bytes(nodes: Nodes, unknown: Range) -> Price:
    size = nodes[0].size
    if not _may_be(nodes[0].type, "string"):
        return Price(ONE)
    return Price(size.scaled(_TRAVERSAL), Range(size.least, min(MAX, size.most * 4)))


def _string(nodes: Nodes, unknown: Range) -> Price:
    size = nodes[0].size
    if not _may_be(nodes[0].type, "bytes"):
        return Price(ONE)
    return Price(size.scaled(_TRAVERSAL), Range(size.least // 4, size.most))


def _quote(nodes: Nodes, unknown: Range) -> Price:
    size = nodes[0].size
    return Price(size.scaled(_TRAVERSAL), Range(size.least + 2, min(MAX, size.most * 2 + 2)))


def _prefix(nodes: Nodes, unknown: Range) -> Price:
    return Price(nodes[1].size.scaled(_TRAVERSAL))


def _in(nodes: Nodes, unknown: Range) -> Price:
    return Price(nodes[1].size if _may_be(nodes[1].type, "list") else ONE)


def _contains(nodes: Nodes, unknown: Range) -> Price:
    return Price(nodes[0].size.scaled(_TRAVERSAL).times(nodes[1].size.scaled(_TRAVERSAL)))


def _matches(nodes: Nodes, unknown: Range) -> Price:
    text = nodes[0].size.plus(ONE).scaled(_TRAVERSAL)
    return Price(text.times(nodes[1].size.scaled(_REGEX)))


def _find(nodes: Nodes, unknown: Range) -> Price:
    return Price(_matches(nodes, unknown).cost, Range(0, nodes[0].size.most))


def _comparison(nodes: Nodes, unknown: Range) -> Price:
    if not any(_may_be(each.type, "string", "bytes") for each in nodes):
        return Price(ONE)
    return _equality(nodes, unknown)


_CHEAP_TO_COMPARE = ("net.IP", "net.CIDR", "kubernetes.Quantity", "kubernetes.Semver")


def _equality(nodes: Nodes, unknown: Range) -> Price:
    if nodes[0].type.name in _CHEAP_TO_COMPARE:
        return Price(ONE)
    most = min(each.size.most for each in nodes)
    return Price(Range(1 if most else 0, most).scaled(_TRAVERSAL))


def _sum(nodes: Nodes, unknown: Range) -> Price:
    kind = nodes[0].type
    if not _may_be(kind, "string", "bytes", "list"):
        return Price(ONE)
    size = nodes[0].size.plus(nodes[1].size)
    first, second = nodes[0].entries, nodes[1].entries
    entries = first.union(second) if first is not None and second is not None else None
    return Price(ONE if kind.name == "list" else size.scaled(_TRAVERSAL), size, entries)


# lists


def _each_item(nodes: Nodes, unknown: Range) -> Price:
    """Looks at all items, which may be texts; or at a text."""
    items, kind = nodes[0], nodes[0].type
    if kind.name != "list":
        return Price(items.size.scaled(_TRAVERSAL))
    each = ONE
    if kind.parameters[0].name in ("string", "bytes"):
        each = each.plus(items.item_size(unknown).scaled(_TRAVERSAL))
    return Price(items.size.times(each))


def _new_list(factor: float, size: Range) -> Price:
    return Price(size.scaled(factor).plus(ONE).plus(_NEW_LIST), size)


def _number(node: Node, otherwise: int) -> int:
    value = node.expression.value if isinstance(node.expression, Constant) else None
    return max(value, 0) if isinstance(value, int) else otherwise


def _slice(nodes: Nodes, unknown: Range) -> Price:
    length = _number(nodes[2], nodes[0].size.most) - _number(nodes[1], 0)
    return _new_list(1, fixed(max(length, 0)))


def _range(nodes: Nodes, unknown: Range) -> Price:
    return _new_list(1, fixed(_number(nodes[0], unknown.most)))


def _reverse(nodes: Nodes, unknown: Range) -> Price:
    return _new_list(1, nodes[0].size)


def _flatten(nodes: Nodes, unknown: Range) -> Price:
    return _new_list(_number(nodes[1], unknown.most) if len(nodes) > 1 else 1, nodes[0].size)


def _distinct(nodes: Nodes, unknown: Range) -> Price:
    return _new_list(2, nodes[0].size.times(nodes[0].size))


def _sort(nodes: Nodes, unknown: Range) -> Price:
    """By the items, or by keys beside them."""
    by = nodes[-1]
    is_text = by.type.name == "list" and by.type.parameters[0].name in ("string", "bytes")
    return _new_list(2 + (_TRAVERSAL if is_text else 0), by.size.times(by.size))


def _of_sets(factor: int) -> Estimate:
    return lambda nodes, unknown: Price(nodes[0].size.times(nodes[1].size).scaled(factor).plus(ONE))


# texts


def _replace(nodes: Nodes, unknown: Range) -> Price:
    text, old, new = (each.size for each in nodes[:3])
    most, kept_most = _replaced(text.most, old.least, new.most <= old.least)
    least, kept_least = _replaced(text.least, old.most, old.most <= new.least)
    size = Range(least, most).times(new).plus(Range(kept_least, kept_most))
    return Price(text.scaled(2 * _TRAVERSAL), size)


def _replaced(length: int, old: int, stays: bool) -> tuple[int, int]:
    """How often something of that length is replaced, and what stays beside it."""
    if old == 0:
        return min(MAX, length + 1), length
    return (0, length) if stays else (-(-length // old), 0)


def _split(nodes: Nodes, unknown: Range) -> Price:
    most = nodes[0].size.most
    limit = _number(nodes[2], most) if len(nodes) > 2 else most
    return Price(nodes[0].size.scaled(2 * _TRAVERSAL), Range(0, limit))


def _join(nodes: Nodes, unknown: Range) -> Price:
    items = nodes[0].size
    size = items.times(nodes[0].item_size(unknown))
    if len(nodes) > 1:
        between = Range(max(items.least - 1, 0), max(items.most - 1, 0))
        size = size.plus(nodes[1].size.times(between))
    return Price(size.scaled(_TRAVERSAL), size)


def _validate(nodes: Nodes, unknown: Range) -> Price:
    return Price(nodes[1].size.scaled(_TRAVERSAL).scaled(_FORMAT_PATTERN * _REGEX))


# Kubernetes' types


def _ip(nodes: Nodes, unknown: Range) -> Price:
    return Price(ONE) if nodes[0].type.name == "net.CIDR" else Price(nodes[0].size.scaled(_TRAVERSAL))


def _contains_ip(nodes: Nodes, unknown: Range) -> Price:
    cost = _ADDRESS.plus(_ADDRESS).scaled(_TRAVERSAL)
    return Price(cost.plus(_parsing(nodes[1])))


def _contains_cidr(nodes: Nodes, unknown: Range) -> Price:
    masking = _ADDRESS.scaled(_TRAVERSAL).plus(ONE)
    return Price(_contains_ip(nodes, unknown).cost.plus(masking))


def _parsing(node: Node) -> Range:
    return node.size.scaled(_TRAVERSAL) if _may_be(node.type, "string") else NOTHING


def _selector(nodes: Nodes, unknown: Range) -> Price:
    size = nodes[1].size
    requirements = size.scaled(0.5).scaled(_REQUIREMENT)
    return Price(_NEW_LIST.plus(size.scaled(_TRAVERSAL)).plus(requirements))


_PRICES: Mapping[str, Estimate] = {
    "@in": _in,
    "bytes": _bytes,
    "string": _string,
    "strings.quote": _quote,
    "startsWith": _prefix,
    "endsWith": _prefix,
    "contains": _contains,
    "matches": _matches,
    "find": _find,
    "findAll": _find,
    "_+_": _sum,
    "_==_": _equality,
    "_!=_": _equality,
    **dict.fromkeys(("_<_", "_<=_", "_>_", "_>=_"), _comparison),
    **dict.fromkeys(("isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"), _each_item),
    "slice": _slice,
    "lists.range": _range,
    "reverse": _reverse,
    "flatten": _flatten,
    "distinct": _distinct,
    "sort": _sort,
    "@sortByAssociatedKeys": _sort,
    "sets.contains": _of_sets(1),
    "sets.intersects": _of_sets(1),
    "sets.equivalent": _of_sets(2),
    "replace": _replace,
    "split": _split,
    "join": _join,
    "format": _traversed(_TRAVERSAL),
    "validate": _validate,
    **dict.fromkeys(
        ("url", "lowerAscii", "upperAscii", "substring", "trim"), _traversed(_TRAVERSAL, keeps_size=True)
    ),
    **dict.fromkeys(
        ("cidr", "isIP", "isCIDR", "quantity", "isQuantity", "semver", "isSemver"), _traversed(_TRAVERSAL)
    ),
    "ip": _ip,
    "ip.isCanonical": _traversed(2 * _TRAVERSAL),
    "containsIP": _contains_ip,
    "containsCIDR": _contains_cidr,
    "check": _always(_CHECK),
    "fieldSelector": _selector,
    "labelSelector": _selector,
}
