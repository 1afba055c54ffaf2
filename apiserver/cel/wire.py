"""Trees of expressions out of the runtime's bytes, and back (cel-spec's syntax.proto)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import count
from typing import Any

from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

from apimachinery.objects import Object
from apiserver.cel.syntax import (
    Aggregate,
    Call,
    Comprehension,
    Constant,
    Expression,
    Identifier,
    Message,
    Select,
    Unsigned,
)

_EXPR, _LIST_OF_EXPR = ".cel.expr.Expr", "*.cel.expr.Expr"
_MESSAGES: Object = {
    "ParsedExpr": {"expr": (2, _EXPR), "source_info": (3, ".cel.expr.SourceInfo")},
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
        "null_value": (1, "int32"), "bool_value": (2, "bool"), "int64_value": (3, "int64"),
        "uint64_value": (4, "uint64"), "double_value": (5, "double"), "string_value": (6, "string"),
        "bytes_value": (7, "bytes"),
    },
    "Ident": {"name": (1, "string")},
    "Select": {"operand": (1, _EXPR), "field": (2, "string"), "test_only": (3, "bool")},
    "CallExpr": {"target": (1, _EXPR), "function": (2, "string"), "args": (3, _LIST_OF_EXPR)},
    "CreateList": {"elements": (1, _LIST_OF_EXPR), "optional_indices": (2, "*int32")},
    "CreateStruct": {"message_name": (1, "string"), "entries": (2, "*.cel.expr.Entry")},
    "Entry": {
        "id": (1, "int64"), "field_key": (2, "string"), "map_key": (3, _EXPR), "value": (4, _EXPR),
        "optional_entry": (5, "bool"),
    },
    "Fold": {
        "iter_var": (1, "string"), "iter_range": (2, _EXPR), "accu_var": (3, "string"),
        "accu_init": (4, _EXPR), "loop_condition": (5, _EXPR), "loop_step": (6, _EXPR), "result": (7, _EXPR),
        "iter_var2": (8, "string"),
    },
}  # fmt: skip
"""Of each message the fields that are used: number and type, a star before what is repeated."""
_SCALARS = {"double": 1, "int64": 3, "uint64": 4, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
_MESSAGE = 11
_TYPE_URL = "type.googleapis.com/cel.expr.ParsedExpr"
_KINDS = tuple(name for name in _MESSAGES["Expr"] if name != "id")
_CONSTANTS = {
    bool: "bool_value", int: "int64_value", Unsigned: "uint64_value", float: "double_value",
    str: "string_value", bytes: "bytes_value",
}  # fmt: skip


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
    """From what the runtime's Expression.serialize() gives for an expression that is only parsed."""
    packed = any_pb2.Any.FromString(serialized)
    message = _classes()["ParsedExpr"].FromString(packed.value)
    positions = {each.key: each.value for each in message.source_info.positions}
    return _Reader(positions).expression(message.expr)


class _Reader:
    def __init__(self, positions: Mapping[int, int]) -> None:
        self._positions = positions

    def expression(self, message: Any) -> Expression:
        kind = next((name for name in _KINDS if message.HasField(name)), "")
        body: Any = getattr(message, kind) if kind else None
        at = self._positions.get(message.id, 0)
        match kind:
            case "ident_expr":
                return Identifier(body.name, at)
            case "select_expr":
                return Select(self.expression(body.operand), body.field, body.test_only, at)
            case "call_expr":
                is_member = body.HasField("target")
                target = (self.expression(body.target),) if is_member else ()
                return Call(body.function, (*target, *map(self.expression, body.args)), is_member, at)
            case "list_expr":
                items = tuple(map(self.expression, body.elements))
                return Aggregate(items, False, frozenset(body.optional_indices), at)
            case "struct_expr":
                return self._struct(body, at)
            case "comprehension_expr":
                return self._fold(body, at)
        return _constant(body, at)

    def _struct(self, body: Any, at: int) -> Expression:
        if body.message_name:
            fields = tuple((each.field_key, self.expression(each.value)) for each in body.entries)
            return Message(body.message_name, fields, at)
        parts = (each for entry in body.entries for each in (entry.map_key, entry.value))
        optional = frozenset(index for index, each in enumerate(body.entries) if each.optional_entry)
        return Aggregate(tuple(map(self.expression, parts)), True, optional, at)

    def _fold(self, body: Any, at: int) -> Expression:
        return Comprehension(
            variable=body.iter_var,
            range=self.expression(body.iter_range),
            accumulator=body.accu_var,
            start=self.expression(body.accu_init),
            condition=self.expression(body.loop_condition),
            step=self.expression(body.loop_step),
            result=self.expression(body.result),
            second_variable=body.iter_var2,
            position=at,
        )


def _constant(message: Any, at: int) -> Expression:
    for name in _CONSTANTS.values():
        if message is not None and message.HasField(name):
            value = getattr(message, name)
            return Constant(Unsigned(value) if name == "uint64_value" else value, at)
    return Constant(None, at)


def encode(expression: Expression) -> bytes:
    """What the runtime's Env.deserialize() takes."""
    parsed = _classes()["ParsedExpr"]()
    parsed.source_info.SetInParent()
    _write(expression, parsed.expr, count(1))
    packed = any_pb2.Any(type_url=_TYPE_URL, value=parsed.SerializeToString())
    return bytes(packed.SerializeToString())


def _write(expression: Expression, into: Any, ids: count[int]) -> None:
    into.id = next(ids)
    match expression:
        case Constant(value):
            constant = into.const_expr
            name = _CONSTANTS.get(type(value), "null_value")
            setattr(constant, name, 0 if value is None else value)
        case Identifier(name):
            into.ident_expr.name = name
        case Select(operand, field, is_test):
            into.select_expr.field, into.select_expr.test_only = field, is_test
            _write(operand, into.select_expr.operand, ids)
        case Call(function, arguments, is_member):
            call = into.call_expr
            call.function = function
            if is_member:
                _write(arguments[0], call.target, ids)
            for each in arguments[is_member:]:
                _write(each, call.args.add(), ids)
        case Aggregate(parts, False, optional):
            into.list_expr.optional_indices.extend(sorted(optional))
            for each in parts:
                _write(each, into.list_expr.elements.add(), ids)
            into.list_expr.SetInParent()
        case Aggregate(parts, True, optional):
            into.struct_expr.SetInParent()
            for index in range(0, len(parts), 2):
                entry = into.struct_expr.entries.add(id=next(ids), optional_entry=index // 2 in optional)
                _write(parts[index], entry.map_key, ids)
                _write(parts[index + 1], entry.value, ids)
        case Message(name, fields):
            into.struct_expr.message_name = name
            for key, value in fields:
                _write(value, into.struct_expr.entries.add(id=next(ids), field_key=key).value, ids)
        case Comprehension() as loop:
            fold = into.comprehension_expr
            fold.iter_var, fold.iter_var2, fold.accu_var = (
                loop.variable,
                loop.second_variable,
                loop.accumulator,
            )
            _write(loop.range, fold.iter_range, ids)
            _write(loop.start, fold.accu_init, ids)
            _write(loop.condition, fold.loop_condition, ids)
            _write(loop.step, fold.loop_step, ids)
            _write(loop.result, fold.result, ids)
