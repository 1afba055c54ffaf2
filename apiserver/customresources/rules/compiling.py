"""The rules of one place, compiled: expressions, messages, and where errors point to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apimachinery.objects import Object
from apiserver.cel.cost import estimate_cost
from apiserver.cel.environment import CompilationError, Program, compile_expression
from apiserver.cel.metrics import COMPILATION
from apiserver.cel.shapes import ValueShape
from apiserver.cel.sizes import ONE
from apiserver.cel.syntax import Aggregate, Call, Comprehension, Constant, Expression, Identifier, names_in
from apiserver.cel.types import BOOL, DYN, STRING, Type, optional_of
from apiserver.customresources.rules.places import PlaceShape, declared_type
from apiserver.customresources.schema.fieldpath import Step, resolve_field_path
from apiserver.customresources.schema.structural import Structural

SELF, OLD_SELF = "self", "oldSelf"
_OLD = "__old"
"""A list of no or one old value: the runtime takes no optional values from outside."""
_TYPE_NAME = "selfType"


@dataclass(frozen=True, slots=True)
class RuleError:
    """What is wrong with a rule."""

    detail: str


class Priced:
    """An expression about the values of a place, and what it may cost."""

    def __init__(self, program: Program, schema: Structural) -> None:
        self.program = program
        place = PlaceShape(schema)
        self.cost = estimate_cost(program.checked, SELF, {SELF: place, OLD_SELF: place})
        """Over the largest value that the schema lets be."""

    def cost_for(self, value: Any) -> int:
        """What it may cost over that value."""
        shape = ValueShape([value])
        return estimate_cost(self.program.checked, SELF, {SELF: shape, OLD_SELF: shape}, ONE)


class Rule:
    """One of x-kubernetes-validations."""

    def __init__(self, raw: Object, schema: Structural, kind: Type) -> None:
        """`schema` and `kind` are the place's, with a resource's metadata. Raises CompilationError."""
        self.raw = raw
        self.is_optional = bool(raw.get("optionalOldSelf"))
        old, wrap = (optional_of(kind), _with_optional) if self.is_optional else (kind, None)
        self.condition = Priced(compile_expression(raw["rule"], {SELF: kind, OLD_SELF: old}, wrap), schema)
        self.uses_old = OLD_SELF in names_in(self.condition.program.tree)
        self.message, self.message_problem = _compiled_message(raw, schema, kind)
        self.steps: list[Step] = []
        if raw.get("fieldPath"):
            self.steps = resolve_field_path(raw["fieldPath"], schema)[0]

    def variables(self, value: Any, old: Any, has_old: bool) -> Mapping[str, Any]:
        """What the rule is evaluated with; values are CEL's."""
        if self.is_optional:
            return {SELF: value, _OLD: [old] if has_old else []}
        return {SELF: value, OLD_SELF: old if has_old else value}


def _compiled_message(raw: Object, schema: Structural, kind: Type) -> tuple[Priced | None, str]:
    """The messageExpression, if there is one, and what is wrong with it."""
    text = raw.get("messageExpression") or ""
    if not text.strip():
        return None, ""
    try:
        program = compile_expression(text, {SELF: kind, OLD_SELF: kind})
    except CompilationError as error:
        return None, f"messageExpression compilation failed: {error}"
    if program.result_type != STRING:
        return None, "messageExpression must evaluate to a string"
    return Priced(program, schema), ""


def _with_optional(rule: Expression) -> Expression:
    """`cel.bind(oldSelf, __old[?0], rule)`"""
    first = Call("_[?_]", (Identifier(_OLD), Constant(0)))
    return Comprehension(
        variable="#unused",
        range=Aggregate((), is_map=False),
        accumulator=OLD_SELF,
        start=first,
        condition=Constant(False),
        step=Identifier(OLD_SELF),
        result=rule,
    )


def compile_rules(raw: Sequence[Object], schema: Structural) -> list[Rule | RuleError]:
    """Those of a place, and upstream's complaints about them."""
    if not raw:
        return []
    kind = declared_type(schema, _TYPE_NAME) or DYN
    with COMPILATION.time():
        return [_compiled(each, schema, kind) for each in raw]


def _compiled(raw: Object, schema: Structural, kind: Type) -> Rule | RuleError:
    try:
        rule = Rule(raw, schema, kind)
    except CompilationError as error:
        return RuleError(f"compilation failed: {error}")
    if rule.condition.program.result_type != BOOL:
        return RuleError("cel expression must evaluate to a bool")
    return rule
