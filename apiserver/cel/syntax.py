"""The tree of a compiled expression, out of the runtime's bytes (cel-spec's checked.proto, syntax.proto)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from apimachinery.objects import Object


@dataclass(frozen=True, slots=True)
class Constant:
    value: Any


@dataclass(frozen=True, slots=True)
class Identifier:
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    operand: Expression
    field: str
    is_test: bool
    """has(operand.field)"""
    position: int
    """Of the dot, in characters from the start."""


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]
    """Of a method the first is its object."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A list or a map that is written out."""

    parts: tuple[Expression, ...]
    is_map: bool


@dataclass(frozen=True, slots=True)
class Comprehension:
    """What all, exists, map, filter and bind become."""

    variable: str
    range: Expression
    accumulator: str
    start: Expression
    condition: Expression
    step: Expression
    result: Expression


Expression = Constant | Identifier | Select | Call | Aggregate | Comprehension

_EXPR, _LIST_OF_EXPR = ".cel.expr.Expr", "*.cel.expr.Expr"
_MESSAGES: Object = {
    "CheckedExpr": {"expr": (4, _EXPR), "source_info": (5, ".cel.expr.SourceInfo")},
    "SourceInfo": {"positions": (4, "*.cel.expr.Position")},
    "Position": {"key": (1, "int64"), "value": (2, "int32")},
    "Expr": {
        "id": (2, "int64"),
        "const_expr": (3, ".cel.expr.Constant"),
        "ident_expr": (4, ".cel.expr.Ident"),
        "select_expr": (5, ".cel.expr.Select"),
        "call_expr": (6, ".cel.expr.CallExpr"),
        "list_expr": (7, ".cel.expr.CreateList"),
        "struct_expr": (8, ".cel.expr.CreateStruct"),
        "comprehension_expr": (9, ".cel.expr.Fold"),
    },
    "Constant": {
        "bool_value": (2, "bool"), "int64_value": (3, "int64"), "uint64_value": (4, "uint64"),
        "double_value": (5, "double"), "string_value": (6, "string"), "bytes_value": (7, "bytes"),
    },
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, _EXPR), "field": (2, "string"), "test_only": (3, "bool")},
    "CallExpr": {"target": (1, _EXPR), "function": (2, "string"), "args": (3, _LIST_OF_EXPR)},
    "CreateList": {"elements": (1, _LIST_OF_EXPR)},
    "CreateStruct": {"entries": (2, "*.cel.expr.MapEntry")},
    "MapEntry": {"map_key": (3, _EXPR), "value": (4, _EXPR)},
    "Fold": {
        "iter_var": (1, "string"), "iter_range": (2, _EXPR), "accu_var": (3, "string"),
        "accu_init": (4, _EXPR), "loop_condition": (5, _EXPR), "loop_step": (6, _EXPR), "result": (7, _EXPR),
    },
}  # fmt: skip
"""Of each message the fields that are read: number and type, a star before what is repeated."""
_SCALARS = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
_MESSAGE = 11
_CONSTANTS = tuple(_MESSAGES["Constant"])


@functools.cache
def _classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="cel.proto", package="cel.expr", syntax="proto2")
    for message, fields in _MESSAGES.items():
        target = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            repeated, plain = kind.startswith("*"), kind.removeprefix("*")
            field = target.field.add(name=name, number=number, label=3 if repeated else 1)
            field.type = _SCALARS.get(plain, _MESSAGE)
            if field.type == _MESSAGE:
                field.type_name = plain
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindFileByName("cel.proto").message_types_by_name
    return {name: message_factory.GetMessageClass(message) for name, message in found.items()}


def decode(serialized: bytes) -> Expression:
    """From what the runtime's Expression.serialize() gives."""
    packed = any_pb2.Any.FromString(serialized)
    message = _classes()["CheckedExpr"].FromString(packed.value)
    positions = {each.key: each.value for each in message.source_info.positions}
    return _Reader(positions).expression(message.expr)


class _Reader:
    def __init__(self, positions: Mapping[int, int]) -> None:
        self._positions = positions

    def expression(self, message: Any) -> Expression:
        kind = next((name for name in _KINDS if message.HasField(name)), "")
        body: Any = getattr(message, kind) if kind else None
        match kind:
            case "ident_expr":
                return Identifier(body.name)
            case "select_expr":
                position = self._positions.get(message.id, 0)
                return Select(self.expression(body.operand), body.field, body.test_only, position)
            case "call_expr":
                target = (self.expression(body.target),) if body.HasField("target") else ()
                return Call(body.function, (*target, *map(self.expression, body.args)))
            case "list_expr":
                return Aggregate(tuple(map(self.expression, body.elements)), is_map=False)
            case "struct_expr":
                parts = (each for entry in body.entries for each in (entry.map_key, entry.value))
                return Aggregate(tuple(map(self.expression, parts)), is_map=True)
            case "comprehension_expr":
                return self._fold(body)
        return _constant(body)

    def _fold(self, body: Any) -> Expression:
        return Comprehension(
            variable=body.iter_var,
            range=self.expression(body.iter_range),
            accumulator=body.accu_var,
            start=self.expression(body.accu_init),
            condition=self.expression(body.loop_condition),
            step=self.expression(body.loop_step),
            result=self.expression(body.result),
        )


def _constant(message: Any) -> Expression:
    found = (each for each in _CONSTANTS if message is not None and message.HasField(each))
    return Constant(next((getattr(message, each) for each in found), None))


_KINDS = tuple(name for name in _MESSAGES["Expr"] if name != "id")


def has_loops(expression: Expression) -> bool:
    """Whether it may look at all items of something."""
    match expression:
        case Constant() | Identifier():
            return False
        case Select(operand):
            return has_loops(operand)
        case Call(_, parts) | Aggregate(parts, _):
            return any(map(has_loops, parts))
        case Comprehension():
            return True


def fields_of(expression: Expression, variable: str) -> set[str]:
    """The fields of a variable that an expression names."""
    match expression:
        case Constant() | Identifier():
            return set()
        case Select(operand, field):
            own = {field} if operand == Identifier(variable) else set()
            return own | fields_of(operand, variable)
        case Call("_?._", (operand, Constant(str(field)))):
            own = {field} if operand == Identifier(variable) else set()
            return own | fields_of(operand, variable)
        case Call(_, parts) | Aggregate(parts, _):
            return set().union(*(fields_of(each, variable) for each in parts))
        case Comprehension():
            parts = (
                expression.range,
                expression.start,
                expression.condition,
                expression.step,
                expression.result,
            )
            return set().union(*(fields_of(each, variable) for each in parts))


def names_in(expression: Expression) -> set[str]:
    """The variables that an expression looks at, its own included."""
    match expression:
        case Constant():
            return set()
        case Identifier(name):
            return {name}
        case Select(operand):
            return names_in(operand)
        case Call(_, parts) | Aggregate(parts, _):
            return set().union(*map(names_in, parts)) if parts else set()
        case Comprehension():
            parts = (
                expression.range,
                expression.start,
                expression.condition,
                expression.step,
                expression.result,
            )
            return set().union(*map(names_in, parts))


def undefined_field(select: Select, text: str) -> str:
    """That a value never has the field, as the checker would say it."""
    before = text[: select.position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    shown = text.split("\n")[line - 1]
    message = f"undefined field '{select.field}'"
    return f"ERROR: <input>:{line}:{column + 1}: {message}\n | {shown}\n | {'.' * column}^"
