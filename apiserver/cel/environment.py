"""Compiles and evaluates expressions: the one module that knows the runtime (cel-expr-python).

Values go in as plain JSON, as protobuf's Timestamp and Duration, or as bytes; results are plain values.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from apiserver.cel.libraries import FUNCTIONS, OPAQUE
from apiserver.cel.libraries.formats import expanded
from apiserver.cel.libraries.function import Function
from apiserver.cel.structs import STRUCTS, add_structs
from apiserver.cel.syntax import Expression, decode

if TYPE_CHECKING:
    from cel_expr_python import cel

_PACKAGE = "kubernetes"


class CompilationError(ValueError):
    """The expression is none; the text is upstream's, with places."""


class EvaluationError(ValueError):
    """Evaluating failed; the text is upstream's."""


class Program:
    """A compiled expression."""

    def __init__(self, compiled: cel.Expression) -> None:
        self._compiled = compiled
        self.result_type = str(compiled.return_type().name())
        """BOOL, STRING, DYN, …"""

    @functools.cached_property
    def tree(self) -> Expression:
        return decode(self._compiled.serialize())

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Raises EvaluationError."""
        try:
            result = self._compiled.eval(data=variables)
            value = result.plain_value()
        except (RuntimeError, TypeError) as error:
            raise EvaluationError(str(error)) from None
        if str(result.type().name()) == "ERROR":
            raise EvaluationError(_in_upstreams_words(str(value)))
        return value


def compile_expression(text: str, variables: Mapping[str, str]) -> Program:
    """`variables` have types such as `string`, `list`, `dyn`. Raises CompilationError."""
    environment = _environment(tuple(sorted(variables.items())))
    try:
        return Program(environment.compile(expanded(text)))
    except RuntimeError as error:
        raise CompilationError(_without_codes(str(error))) from None


def compile_about(text: str, variable: str, struct: str) -> Program:
    """An expression about one value in plain JSON, checked as one of STRUCTS. Raises CompilationError."""
    checked = compile_expression(text, {variable: struct})
    program = compile_expression(text, {variable: "map"})
    program.result_type = checked.result_type
    return program


def type_name(result_type: str) -> str:
    """A program's `result_type` in upstream's words: `list(string)`."""
    name = result_type if "." in result_type else result_type.lower()
    return name.replace("<", "(").replace(">", ")")


def _without_codes(text: str) -> str:
    text = text.removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")
    return re.sub(r"(undefined field '\w+') not found in struct '[\w.]+'", r"\1", text)


_WORDINGS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), replacement)
    for pattern, replacement in (
        (r'Key not found in map : "(.*)"', r"no such key: \1"),
        (r"Key not found in map : (.*)", r"no such key: \1"),
        (r"Index error: index=(-?\d+) size=\d+", r"index out of bounds: \1"),
        (r"divide by zero", "division by zero"),
        (r"No matching overloads found : .*", "no such overload"),
    )
)


def _in_upstreams_words(error: str) -> str:
    text = re.sub(r"^[A-Z_]+: ", "", error)
    for pattern, replacement in _WORDINGS:
        if pattern.fullmatch(text):
            return pattern.sub(replacement, text)
    return text


def opaque(kind: str, text: str) -> Any:
    """A value of an opaque type, to be put into a variable."""
    return _messages()[1][kind](value=text)


@functools.cache
def _messages() -> tuple[descriptor_pool.DescriptorPool, dict[str, Any]]:
    """A message for each opaque type: one text, which says all about a value."""
    name = f"{_PACKAGE}.proto"
    file = descriptor_pb2.FileDescriptorProto(name=name, package=_PACKAGE, syntax="proto3")
    for each in OPAQUE:
        field = file.message_type.add(name=each).field.add(name="value", number=1)
        field.type, field.label = field.TYPE_STRING, field.LABEL_OPTIONAL
    add_structs(file)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    found = {each: pool.FindMessageTypeByName(f"{_PACKAGE}.{each}") for each in OPAQUE}
    return pool, {each: message_factory.GetMessageClass(message) for each, message in found.items()}


@functools.cache
def _environment(variables: tuple[tuple[str, str], ...]) -> cel.Env:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_bindings, ext_optional

    types = {
        "bool": cel.Type.BOOL, "bytes": cel.Type.BYTES, "double": cel.Type.DOUBLE, "dyn": cel.Type.DYN,
        "duration": cel.Type.DURATION, "int": cel.Type.INT, "string": cel.Type.STRING,
        "timestamp": cel.Type.TIMESTAMP, "list": cel.Type.List(cel.Type.DYN),
        "list<string>": cel.Type.List(cel.Type.STRING),
        "map": cel.Type.Map(cel.Type.STRING, cel.Type.DYN),
        **{each: cel.Type(f"{_PACKAGE}.{each}") for each in (*OPAQUE, *STRUCTS)},
    }  # fmt: skip
    pool, _ = _messages()
    by_name: dict[str, list[Function]] = {}
    for each in FUNCTIONS:
        by_name.setdefault(each.name, []).append(each)

    def overloads(name: str, functions: Sequence[Function]) -> list[cel.Overload]:
        implementations = _implementations(functions)
        return [
            cel.Overload(
                f"{name}_{'_'.join(each.parameters)}",
                types[each.result],
                [types[kind] for kind in each.parameters],
                each.is_member,
                **({"impl": implementations[each]} if each in implementations else {}),
            )
            for each in functions
        ]

    return cel.NewEnv(
        descriptor_pool=pool,
        variables={name: types[kind] for name, kind in variables},
        extensions=[ext_optional.ExtOptional(), ext_bindings.ExtBindings()],
        functions=[cel.FunctionDecl(name, overloads(name, found)) for name, found in by_name.items()],
    )


def _implementations(functions: Sequence[Function]) -> dict[Function, Callable[..., Any]]:
    """By overload. The runtime takes one for all overloads that differ in opaque types only."""
    alike: dict[object, list[Function]] = {}
    for each in functions:
        kinds = tuple("message" if kind in OPAQUE else kind for kind in each.parameters)
        alike.setdefault((each.is_member, kinds), []).append(each)
    return {found[0]: _dispatcher(found) for found in alike.values()}


def _dispatcher(functions: Sequence[Function]) -> Callable[..., Any]:
    """Opaque values are texts to a library, and messages to the runtime."""
    _, classes = _messages()
    by_types = [(tuple(classes.get(kind) for kind in each.parameters), each) for each in functions]
    if len(functions) == 1 and not any(by_types[0][0]) and functions[0].result not in classes:
        return functions[0].implementation

    def call(*arguments: Any) -> Any:
        for types, function in by_types:
            if all(
                kind is None or isinstance(each, kind) for kind, each in zip(types, arguments, strict=True)
            ):
                plain = [each.value if kind else each for kind, each in zip(types, arguments, strict=True)]
                result = function.implementation(*plain)
                make = classes.get(function.result)
                return make(value=result) if make is not None else result
        raise ValueError("no such overload")

    return call
