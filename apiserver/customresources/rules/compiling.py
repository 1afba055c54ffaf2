"""The rules of one place, compiled: expressions, messages, and where errors point to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apimachinery.objects import Object
from apiserver.cel.cost import estimate_cost
from apiserver.cel.environment import CompilationError, Program, compile_expression
from apiserver.cel.shapes import Shape, UndefinedFieldError
from apiserver.cel.syntax import names_in, undefined_field
from apiserver.customresources.rules.places import PlaceShape, type_of
from apiserver.customresources.schema.fieldpath import Step, resolve_field_path
from apiserver.customresources.schema.structural import Structural

SELF, OLD_SELF = "self", "oldSelf"
_OLD = "__old"
"""A list of no or one old value: the runtime takes no optional values from outside."""
_OPTIONAL = f"cel.bind({OLD_SELF}, {_OLD}.size() == 0 ? optional.none() : optional.of({_OLD}[0]), (\n"


@dataclass(frozen=True, slots=True)
class RuleError:
    """What is wrong with a rule."""

    field: str
    """rule or messageExpression"""
    detail: str


class Rule:
    """One of x-kubernetes-validations."""

    def __init__(self, raw: Object, schema: Structural) -> None:
        """`schema` is the place's; that of a resource has its metadata. Raises CompilationError."""
        self.raw = raw
        self.is_optional = bool(raw.get("optionalOldSelf"))
        self._schema = schema
        self.program = self._compile(raw["rule"], self.is_optional)
        self.uses_old = (
            bool({OLD_SELF, _OLD} & self._names) if not self.is_optional else _says_old(raw["rule"])
        )
        self.cost = self.cost_of(self._place)
        expression = raw.get("messageExpression") or ""
        self.message_program = self._compile(expression, optional=False) if expression.strip() else None
        self.steps: list[Step] = []
        if raw.get("fieldPath"):
            self.steps = resolve_field_path(raw["fieldPath"], schema)[0]

    @property
    def _names(self) -> set[str]:
        return names_in(self.program.tree)

    @cached_property
    def _place(self) -> Shape:
        return PlaceShape(self._schema)

    def _compile(self, text: str, optional: bool) -> Program:
        kind = type_of(self._schema) or "dyn"
        if not optional:
            return compile_expression(text, {SELF: kind, OLD_SELF: kind})
        try:
            return compile_expression(f"{_OPTIONAL}{text}\n))", {SELF: kind, _OLD: "list"})
        except CompilationError as error:
            shifted = re.sub(r"<input>:(\d+):", lambda at: f"<input>:{int(at[1]) - 1}:", str(error))
            raise CompilationError(shifted) from None

    def cost_of(self, place: Shape) -> int:
        """What the rule may cost over a place of that shape. Raises CompilationError."""
        try:
            return estimate_cost(self.program.tree, {SELF: place, OLD_SELF: place})
        except UndefinedFieldError as error:
            raise CompilationError(undefined_field(error.args[0], self.raw["rule"])) from None

    def variables(self, value: Any, old: Any, has_old: bool) -> Mapping[str, Any]:
        """What the rule is evaluated with; values are CEL's."""
        if self.is_optional:
            return {SELF: value, _OLD: [old] if has_old else []}
        return {SELF: value, OLD_SELF: old if has_old else value}


def _says_old(text: str) -> bool:
    return re.search(rf"\b{OLD_SELF}\b", text) is not None


def compile_rule(raw: Object, schema: Structural) -> Rule | RuleError:
    """The rule, or upstream's complaint about it."""
    try:
        rule = Rule(raw, schema)
    except CompilationError as error:
        return RuleError("rule", f"compilation failed: {error}")
    if rule.program.result_type not in ("BOOL", "DYN"):
        return RuleError("rule", "cel expression must evaluate to a bool")
    if rule.message_program is not None and rule.message_program.result_type not in ("STRING", "DYN"):
        return RuleError("messageExpression", "messageExpression must evaluate to a string")
    return rule
