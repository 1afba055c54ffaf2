"""Constant templates of `format` that cannot be filled in with what is written out beside them.

Source: stringFormatValidator in ext/formatting.go of cel-go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from apiserver.cel.libraries.formatting import CLAUSE, VERB_PROBLEMS
from apiserver.cel.syntax import Aggregate, Call, Constant, Expression, walk
from apiserver.cel.types import DYN, Type

TypeOf = Callable[[Expression], Type]

_TEXTS = "list map int uint double bool string timestamp bytes duration type null_type"
_TAKEN: Mapping[str, tuple[str, ...]] = {
    verb: tuple(names.split())
    for verbs, names in {
        "s": _TEXTS,
        "do": "int uint",
        "fe": "double string",
        "b": "int uint bool",
        "xX": "int uint string bytes",
    }.items()
    for verb in verbs
}
"""The types that a verb can show."""


class _Problem(Exception):
    """With the part of the expression that it is about, if it is not the whole call."""

    def __init__(self, text: str, part: Expression | None = None) -> None:
        super().__init__(text)
        self.part = part


def problems_of_formats(tree: Expression, type_of: TypeOf) -> Iterator[tuple[int, str]]:
    """Where, and what."""
    for each in walk(tree):
        match each:
            case Call(
                "format", (Constant(str() as template), Aggregate(parts, is_map=False)), is_member=True
            ):
                try:
                    asked = _check(template, parts, type_of)
                except _Problem as problem:
                    yield (problem.part or each).position, str(problem)
                else:
                    if len(parts) > asked:
                        expected = f"expected {asked}, got {len(parts)}"
                        yield each.position, f"too many arguments supplied to string.format ({expected})"


def _check(template: str, parts: tuple[Expression, ...], type_of: TypeOf) -> int:
    """How many values the template asks for. Raises _Problem."""
    clauses = [found for found in CLAUSE.finditer(template) if found[2] is not None]
    for index, clause in enumerate(clauses):
        _check_clause(clause, index, parts, type_of)
    return len(clauses)


def _check_clause(clause: re.Match[str], index: int, parts: tuple[Expression, ...], type_of: TypeOf) -> None:
    verb = clause[2]
    if not verb and not clause[1]:
        raise _Problem("unexpected end of string")
    if index >= len(parts):
        raise _Problem(f"index {index} out of range")
    if not verb:
        end = "could not find end of precision specifier"
        raise _Problem(f"could not parse formatting clause: error while parsing precision: {end}")
    if verb not in _TAKEN:
        raise _Problem(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    wrong = _unfit(parts[index], verb, type_of)
    if wrong is not None:
        kind = Type(type_of(wrong).name).declared_name
        raise _Problem(f"error during formatting: {VERB_PROBLEMS[verb]}, was given {kind}", wrong)


def _unfit(part: Expression, verb: str, type_of: TypeOf) -> Expression | None:
    """What of a value the verb cannot show; of lists and maps that are written out, what is inside, too."""
    kind = type_of(part)
    if kind != DYN and kind.name not in _TAKEN[verb]:
        return part
    inside = part.parts if verb == "s" and isinstance(part, Aggregate) else ()
    return next((wrong for each in inside if (wrong := _unfit(each, verb, type_of)) is not None), None)
