"""Sets of fields, in the form of managedFields' FieldsV1: `{"f:data": {".": {}, "f:key": {}}}`.

A set is a map from steps to sets of what is below them. A step is `f:<name>` into a map; `k:<keys as JSON>`,
`v:<value as JSON>` or `i:<index>` into a list. Where there are steps below a place, a `.` says whether it is
itself in the set; where there are none it is. Sets are values: nothing here changes one.
Source: fieldpath/set.go and serialize.go of structured-merge-diff.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

import orjson

Fields = dict[str, Any]
"""Step -> Fields."""
Path = tuple[str, ...]
"""The steps to one field."""

SELF = "."
ANY = "*"
_KINDS = "fkvi"
"""In the order in which upstream sorts them."""


class FieldsError(ValueError):
    """What is no FieldsV1."""


def path_set(*paths: Path) -> Fields:
    """The set of these fields."""
    result: Fields = {}
    for path in paths:
        node: Fields = {}
        for step in reversed(path):
            node = {step: node}
        result = union(result, node)
    return result


def is_member(node: Fields) -> bool:
    """Whether the place that leads to `node` is itself in the set."""
    return not node or SELF in node


def steps_of(node: Fields) -> Iterator[tuple[str, Fields]]:
    return ((step, below) for step, below in node.items() if step != SELF)


def has(fields: Fields, path: Path) -> bool:
    node: Fields | None = fields
    for step in path:
        node = node.get(step) if node else None
        if node is None:
            return False
    return is_member(node or {})


def union(one: Fields, other: Fields) -> Fields:
    if not one or not other:
        return one or other
    result = dict(one)
    for step, node in other.items():
        own = result.get(step)
        result[step] = node if own is None else _union_below(own, node)
    return result


def _union_below(one: Fields, other: Fields) -> Fields:
    if not one or not other:
        node = one or other
        return node if not node or SELF in node else {SELF: {}, **node}
    return union(one, other)


def intersection(one: Fields, other: Fields) -> Fields:
    if len(other) < len(one):
        one, other = other, one
    found = {}
    for step, node in one.items():
        theirs = other.get(step)
        if theirs is None or step == SELF:
            continue
        below = intersection(node, theirs)
        if (common := _node(is_member(node) and is_member(theirs), below)) is not None:
            found[step] = common
    return found


def are_disjoint(one: Fields, other: Fields) -> bool:
    """Whether the sets have no field in common."""
    if len(other) < len(one):
        one, other = other, one
    for step, node in one.items():
        theirs = other.get(step)
        if theirs is None or step == SELF:
            continue
        if (is_member(node) and is_member(theirs)) or not are_disjoint(node, theirs):
            return False
    return True


def difference(one: Fields, other: Fields) -> Fields:
    """The fields of `one` that are not in `other`; those below a field of `other` remain."""
    left: Fields = {}
    if not one:
        return left
    for step, node in steps_of(one):
        theirs = other.get(step)
        if theirs is None:
            left[step] = node
            continue
        member = is_member(node) and not is_member(theirs)
        if (rest := _node(member, difference(node, theirs))) is not None:
            left[step] = rest
    return left


def recursive_difference(one: Fields, other: Fields) -> Fields:
    """The fields of `one` that are neither in `other` nor below one that is."""
    left = {}
    for step, node in steps_of(one):
        theirs = other.get(step)
        if theirs is None:
            left[step] = node
        elif not is_member(theirs):
            rest = _node(is_member(node), recursive_difference(node, theirs))
            if rest is not None:
                left[step] = rest
    return left


def matching(fields: Fields, pattern: Fields) -> Fields:
    """The fields on the way to and below the ends of a pattern, which is a set whose steps may be ANY."""
    if not pattern:
        return fields
    found = {}
    for step, node in steps_of(fields):
        below = pattern.get(step, pattern.get(ANY))
        if below is not None and (kept := _node(is_member(node), matching(node, below))) is not None:
            found[step] = kept
    return found


def _node(member: bool, below: Fields) -> Fields | None:
    """What stands at a place; None if neither it nor anything below it is in the set."""
    if not below:
        return {} if member else None
    return {SELF: {}, **below} if member else below


def paths_of(fields: Fields, prefix: Path = ()) -> Iterator[Path]:
    """Every field: those of one level, then what is below each."""
    ordered = sorted(steps_of(fields), key=lambda item: sort_key(item[0]))
    yield from ((*prefix, step) for step, node in ordered if is_member(node))
    for step, node in ordered:
        yield from paths_of(node, (*prefix, step))


def path_text(path: Path) -> str:
    """As upstream shows it: `.spec.containers[name="a"].image`."""
    return "".join(map(_step_text, path))


def _step_text(step: str) -> str:
    kind, rest = step[0], step[2:]
    if kind == "f":
        return f".{rest}"
    if kind == "i":
        return f"[{rest}]"
    value = orjson.loads(rest)
    if kind == "v":
        return f"[={value_text(value)}]"
    return f"[{','.join(f'{name}={value_text(each)}' for name, each in value.items())}]"


def value_text(value: Any) -> str:
    """A value of a key: strings quoted as Go quotes them."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return orjson.dumps(value).decode() if isinstance(value, str) else f"{value}"


def field_step(name: str) -> str:
    return f"f:{name}"


def value_step(value: Any) -> str:
    """The step to an item of a set."""
    return f"v:{_json(value)}"


def key_step(keys: dict[str, Any]) -> str:
    """The step to an item of a list map, by its keys."""
    return f"k:{_json(keys)}"


def _json(value: Any) -> str:
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if "<" in text or ">" in text or "&" in text:  # Go's encoder makes JSON safe within HTML
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text


@lru_cache(maxsize=8192)
def sort_key(step: str) -> tuple[Any, ...]:
    """Upstream's order of the steps of one level: names, keys, values, indexes."""
    kind, rest = _KINDS.find(step[0]), step[2:]
    if kind <= 0:
        return (kind, rest)
    if kind == 3:
        return (kind, int(rest))
    value = orjson.loads(rest)
    if kind == 2:
        return (kind, _rank(value))
    return (kind, [(name, _rank(each)) for name, each in value.items()])


def _rank(value: Any) -> tuple[int, Any]:
    """Numbers before strings before the rest."""
    if isinstance(value, bool):
        return (2, value)
    return (0, value) if isinstance(value, (int, float)) else (1, str(value))


def in_order(fields: Fields) -> Fields:
    """The same set as upstream writes it."""
    if not fields:
        return fields
    ordered = sorted(fields)
    if ordered[-1][0] > "f":  # as text, names come first
        ordered.sort(key=sort_key)
    return {step: in_order(node) if (node := fields[step]) else node for step in ordered}


def decoded(value: Any) -> Fields:
    """What somebody wrote as FieldsV1, as we write it; unknown kinds of steps go. Raises FieldsError."""
    if not isinstance(value, dict):
        raise FieldsError("not a map")
    result: Fields = {}
    for step, below in value.items():
        if step == SELF:
            result[SELF] = {}
        elif (canonical := _canonical(step)) is not None:
            node = decoded(below)
            own = result.get(canonical)
            result[canonical] = _flat(node if own is None else _union_below(own, node))
    return result


def _flat(node: Fields) -> Fields:
    return {} if node.keys() == {SELF} else node


@lru_cache(maxsize=8192)
def _canonical(step: str) -> str | None:
    """The step as we write it; None for kinds that nobody knows. Raises FieldsError."""
    if len(step) < 2:
        raise FieldsError("key must be 2 characters long:")
    if step[1] != ":":
        raise FieldsError(f"missing colon: {step}")
    kind, rest = step[0], step[2:]
    if kind not in _KINDS:
        return None
    if kind == "f":
        return step
    try:
        return f"i:{int(rest)}" if kind == "i" else _canonical_value(kind, orjson.loads(rest))
    except ValueError as error:
        raise FieldsError(str(error)) from None


def _canonical_value(kind: str, value: Any) -> str:
    if kind == "v":
        return value_step(value)
    if not isinstance(value, dict):
        raise FieldsError("keys are not a map")
    return key_step(cast(dict[str, Any], value))
