"""What type an expression has, and what is wrong with it, in upstream's words.

Source: checker/checker.go and checker/errors.go of cel-go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from apiserver.cel.declarations import CONSTANTS, MESSAGES, Overload, declarations
from apiserver.cel.format_checks import problems_of_formats
from apiserver.cel.literals import problems_of_literals
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
    qualified_name,
    with_parts,
)
from apiserver.cel.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DYN,
    ERROR,
    INT,
    NULL,
    STRING,
    UINT,
    Bindings,
    ObjectType,
    Type,
    UnorderedList,
    instantiated,
    list_of,
    map_of,
    more_general,
    optional_of,
    parameters_in,
    unwrapped,
)

Typed = tuple[Expression, Type]
"""An expression whose names are resolved, and its type."""

_OF_CONSTANTS: Mapping[type, Type] = {
    bool: BOOL, int: INT, Unsigned: UINT, float: DOUBLE, str: STRING, bytes: BYTES, type(None): NULL,
}  # fmt: skip


class CheckError(ValueError):
    """The type of an expression cannot be told."""

    def __init__(self, problems: Sequence[tuple[int, str]]) -> None:
        super().__init__("; ".join(text for _, text in problems))
        self.problems = problems
        """Where, and what."""


@dataclass(frozen=True, slots=True)
class Checked:
    """An expression whose names are resolved, and what is known of it and of all its parts."""

    tree: Expression
    overloads: Mapping[int, Overload]
    """What is called, by the identity of calls."""
    _types: Mapping[int, Type]
    _bindings: Bindings

    def type_of(self, part: Expression) -> Type:
        return self._bindings.resolve(self._types[id(part)], finally_=True)


def check(expression: Expression, variables: Mapping[str, Type]) -> Checked:
    """Raises CheckError."""
    checker = _Checker(variables)
    tree, _ = checker.check(expression)
    if checker.problems:
        raise CheckError(checker.problems)
    checked = Checked(tree, checker.overloads, checker.types, checker.bindings)
    problems = [
        *problems_of_literals(expression),
        *checker.problems_of_mixtures(),
        *problems_of_formats(tree, checked.type_of),
    ]
    if problems:
        raise CheckError(problems)
    return checked


class _Checker:
    def __init__(self, variables: Mapping[str, Type]) -> None:
        self.problems: list[tuple[int, str]] = []
        self.bindings = Bindings()
        self.types: dict[int, Type] = {}
        self.overloads: dict[int, Overload] = {}
        self._scopes: list[Mapping[str, Type]] = [CONSTANTS, variables]
        self._fresh = count()
        self._alike: list[list[tuple[int, Type]]] = []
        """What has to be of one type, and where it stands: items, keys, values of literals."""
        self._in_format = 0

    def check(self, expression: Expression) -> Typed:
        checked, kind = self._check(expression)
        self.types[id(checked)] = kind
        return checked, kind

    def _check(self, expression: Expression) -> Typed:
        match expression:
            case Constant(value):
                return expression, _OF_CONSTANTS[type(value)]
            case Identifier(name, at):
                kind = self._variable(name)
                return expression, self._undeclared(name, at) if kind is None else kind
            case Select():
                return self._select(expression)
            case Call():
                return self._call(expression)
            case Aggregate(is_map=False):
                return self._list(expression)
            case Aggregate():
                return self._map(expression)
            case Message():
                return self._message(expression)
            case Comprehension():
                return self._comprehension(expression)

    # names

    def _variable(self, name: str) -> Type | None:
        return next((scope[name] for scope in reversed(self._scopes) if name in scope), None)

    @contextmanager
    def _within(self, variables: Mapping[str, Type]) -> Iterator[None]:
        self._scopes.append(variables)
        yield
        self._scopes.pop()

    def _new_parameter(self) -> Type:
        return Type(f"_var{next(self._fresh)}")

    # problems

    def _problem(self, at: int, text: str) -> Type:
        self.problems.append((at, text))
        return ERROR

    def _undeclared(self, name: str, at: int) -> Type:
        return self._problem(at, f"undeclared reference to '{name}' (in container '')")

    def _mismatch(self, at: int, wanted: Type, found: Type) -> Type:
        return self._problem(at, f"expected type '{wanted}' but found '{found}'")

    def _must_fit(self, expression: Expression, wanted: Type, found: Type) -> None:
        if not self.bindings.fit([wanted], [found]):
            self._mismatch(expression.position, wanted, found)

    # fields

    def _select(self, select: Select) -> Typed:
        name = qualified_name(select)
        kind = self._variable(name) if name is not None else None
        if name is not None and kind is not None:
            return Identifier(name, select.position), kind
        operand, of = self.check(select.operand)
        found = self._field(select, of, select.field)
        return with_parts(select, [operand]), BOOL if select.is_test else found

    def _field(self, expression: Expression, of: Type, name: str, *, optional: bool = False) -> Type:
        target, is_optional = unwrapped(self.bindings.resolve(of))
        found = self._field_of(expression, target, name)
        return optional_of(found) if optional or is_optional else self.bindings.resolve(found)

    def _field_of(self, expression: Expression, target: Type, name: str) -> Type:
        if isinstance(target, ObjectType):
            kind = target.field(name)
            return self._problem(expression.position, f"undefined field '{name}'") if kind is None else kind
        if target.name == "map":
            return target.parameters[1]
        if target.is_free:
            self.bindings.fit([DYN], [target])
        elif target.name.startswith("kubernetes."):
            self._problem(expression.position, f"unexpected failed resolution of '{target}'")
        elif not target.is_anything:
            self._problem(expression.position, f"type '{target}' does not support field selection")
        return DYN

    # calls

    def _call(self, call: Call) -> Typed:
        if call.function == "_?._":
            operand, of = self.check(call.arguments[0])
            field, _ = self.check(call.arguments[1])
            assert isinstance(field, Constant), "the parser makes it one"
            found = self._field(call, of, str(field.value), optional=True)
            return with_parts(call, [operand, field]), found
        self._in_format += call.function == "format"
        arguments = [self.check(each) for each in call.arguments[call.is_member :]]
        self._in_format -= call.function == "format"
        if not call.is_member:
            return self._resolved(call, arguments)
        target = call.arguments[0]
        prefix = qualified_name(target)
        if prefix is not None and f"{prefix}.{call.function}" in declarations():
            name = f"{prefix}.{call.function}"
            namespaced = Call(name, call.arguments[1:], is_member=False, position=call.position)
            return self._resolved(namespaced, arguments)
        return self._resolved(call, [self.check(target), *arguments])

    def _resolved(self, call: Call, arguments: Sequence[Typed]) -> Typed:
        made = with_parts(call, [each for each, _ in arguments])
        kinds = [kind for _, kind in arguments]
        if call.function in ("_&&_", "_||_"):
            return made, self._logic(made, kinds)
        overloads = declarations().get(call.function)
        if overloads is None:
            return made, self._undeclared(call.function, call.position)
        found: list[tuple[Overload, Type]] = []
        for each in overloads:
            result = self._result(each, kinds) if each.is_member == call.is_member else None
            if result is not None:
                found.append((each, result))
        if not found:
            return made, self._no_overload(made, kinds)
        result = found[0][1]
        if any(other != result for _, other in found) and result != DYN:
            result = DYN
        self.overloads[id(made)] = found[0][0]
        return made, kinds[0] if call.function == "_+_" and isinstance(kinds[0], UnorderedList) else result

    def _result(self, overload: Overload, kinds: Sequence[Type]) -> Type | None:
        """Its type, if the overload takes such arguments."""
        if len(kinds) != len(overload.parameters):
            return None
        parameters, result = overload.parameters, overload.result
        if overload.is_open:
            names = parameters_in((*parameters, result))
            fresh = {name: self._new_parameter() for name in names}
            *parameters_, result = instantiated((*parameters, result), fresh)
            parameters = tuple(parameters_)
        return self.bindings.resolve(result) if self.bindings.fit(kinds, parameters) else None

    def _logic(self, call: Call, kinds: Sequence[Type]) -> Type:
        before = len(self.problems)
        for argument, kind in zip(call.arguments, kinds, strict=True):
            if not self.bindings.fit([kind], [BOOL]):
                self._mismatch(argument.position, BOOL, kind)
        return BOOL if len(self.problems) == before else ERROR

    def _no_overload(self, call: Call, kinds: Sequence[Type]) -> Type:
        shown = [str(self.bindings.resolve(each, finally_=True)) for each in kinds]
        target = f"{shown.pop(0)}." if call.is_member else ""
        applied = f"{target}({', '.join(shown)})"
        text = f"found no matching overload for '{call.function}' applied to '{applied}'"
        return self._problem(call.position, text)

    # literals

    def _list(self, literal: Aggregate) -> Typed:
        parts: list[Expression] = []
        kinds: list[Type] = []
        for index, each in enumerate(literal.parts):
            part, kind = self.check(each)
            parts.append(part)
            kinds.append(self._kept(each, kind, index in literal.optional))
        return with_parts(literal, parts), list_of(self._joined(literal.parts, kinds))

    def _map(self, literal: Aggregate) -> Typed:
        parts: list[Expression] = []
        kinds: list[Type] = []
        for index, each in enumerate(literal.parts):
            part, kind = self.check(each)
            parts.append(part)
            is_optional = bool(index % 2) and index // 2 in literal.optional
            kinds.append(self._kept(each, kind, is_optional))
        key, value = (self._joined(literal.parts[turn::2], kinds[turn::2]) for turn in (0, 1))
        return with_parts(literal, parts), map_of(key, value)

    def _kept(self, expression: Expression, kind: Type, optional: bool) -> Type:
        """What is kept of an item that is there only if it has a value."""
        if not optional:
            return kind
        inner, is_optional = unwrapped(kind)
        if not is_optional and inner != DYN:
            self._mismatch(expression.position, optional_of(inner), inner)
        return inner

    def _joined(self, parts: Sequence[Expression], kinds: Sequence[Type]) -> Type:
        """The type of all; dyn if they have none in common, which is no good but within `format`."""
        if not kinds:
            return self._new_parameter()
        if not self._in_format:
            self._alike.append([(part.position, kind) for part, kind in zip(parts, kinds, strict=True)])
        joined = kinds[0]
        for kind in kinds[1:]:
            joined = more_general(joined, kind) if self.bindings.fit([joined], [kind]) else DYN
        return joined

    def problems_of_mixtures(self) -> Iterator[tuple[int, str]]:
        """Literals with parts of several types."""
        for parts in self._alike:
            kinds = [(at, self.bindings.resolve(kind, finally_=True)) for at, kind in parts]
            first = kinds[0][1]
            other = next(((at, kind) for at, kind in kinds if kind != first), None)
            if other is not None:
                yield other[0], f"expected type '{first}' but found '{other[1]}'"

    def _message(self, message: Message) -> Typed:
        kind = MESSAGES.get(message.name)
        if kind is None:
            return message, self._undeclared(message.name, message.position)
        return with_parts(message, [self.check(value)[0] for _, value in message.fields]), kind

    # loops

    def _comprehension(self, loop: Comprehension) -> Typed:
        source, of = self.check(loop.range)
        start, accumulated = self.check(loop.start)
        first, second = self._iterated(loop, self.bindings.resolve(of))
        variables = {loop.variable: first, **({loop.second_variable: second} if loop.second_variable else {})}
        with self._within({loop.accumulator: accumulated}):
            with self._within(variables):
                condition, kind = self.check(loop.condition)
                self._must_fit(loop.condition, BOOL, kind)
                step, kind = self.check(loop.step)
                self._must_fit(loop.step, accumulated, kind)
            result, kind = self.check(loop.result)
        made = with_parts(loop, [source, start, condition, step, result])
        return made, self.bindings.resolve(kind)

    def _iterated(self, loop: Comprehension, of: Type) -> tuple[Type, Type]:
        """The types of the variables."""
        if of.name == "list":
            return (INT, of.parameters[0]) if loop.second_variable else (of.parameters[0], DYN)
        if of.name == "map":
            return of.parameters[0], of.parameters[1]
        if of.is_anything or of.is_free:
            self.bindings.fit([DYN], [of])
            return DYN, DYN
        text = f"expression of type '{of}' cannot be range of a comprehension (must be list, map, or dynamic)"
        self._problem(loop.range.position, text)
        return ERROR, ERROR
