"""Compiles and evaluates expressions: the one module that knows the runtime (cel-expr-python).

The runtime parses and evaluates; macros that it lacks, and types, are ours. Values go in as plain JSON, as
protobuf's Timestamp and Duration, or as bytes; results are plain values.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

from apiserver.cel.checker import Checked, CheckError, check
from apiserver.cel.libraries import FUNCTIONS
from apiserver.cel.libraries.function import OPAQUE, Function
from apiserver.cel.long_loops import FUNCTIONS as LOOPING
from apiserver.cel.long_loops import Evaluate, TooManyTurns, by_hand
from apiserver.cel.macros import MacroError, expanded
from apiserver.cel.metered_form import metered_form
from apiserver.cel.metering import FUNCTIONS as METERING
from apiserver.cel.metering import METER, Meter
from apiserver.cel.patience import take_time
from apiserver.cel.runtime_form import runtime_form
from apiserver.cel.syntax import Expression
from apiserver.cel.types import Type, parse_type
from apiserver.cel.wire import decode, encode

if TYPE_CHECKING:
    from cel_expr_python import cel


class CompilationError(ValueError):
    """The expression is none; the text is upstream's, with places."""


class EvaluationError(ValueError):
    """Evaluating failed; the text is upstream's."""


class CostExceeded(EvaluationError):
    """Evaluating was given up since it costs too much."""


_TOO_MANY_TURNS = "Iteration budget exceeded"
TOO_EXPENSIVE = "operation cancelled: actual cost limit exceeded"
Wrap = Callable[[Expression], Expression]


class Outcome(NamedTuple):
    """Of an evaluation that was metered."""

    cost: int
    value: Any
    error: str


class Program:
    """A compiled expression."""

    def __init__(self, evaluate: _Evaluable, checked: Checked, wrap: Wrap | None = None) -> None:
        self._evaluate = evaluate
        self._wrap = wrap
        self.checked = checked
        self.tree = checked.tree
        self.result_type = checked.type_of(checked.tree)

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Raises EvaluationError."""
        return self._evaluate(variables)

    def measure(self, variables: Mapping[str, Any], limit: int) -> Outcome:
        """Evaluates it and counts what that costs, which takes many times as long.

        Raises CostExceeded beyond the limit, TakesLong where there is no time.
        """
        take_time()
        meter = Meter(limit)
        token = METER.set(meter)
        value, failure = None, ""
        try:
            value = self._metered(variables)
        except EvaluationError as error:
            failure = str(error)
        finally:
            METER.reset(token)
        if meter.is_over:
            raise CostExceeded(TOO_EXPENSIVE)
        return Outcome(meter.spent, value, failure)

    @functools.cached_property
    def _metered(self) -> _Evaluable:
        form = metered_form(self.checked)
        return _Evaluable(self._wrap(form) if self._wrap is not None else form)


class _Evaluable:
    """A tree of the runtime's, compiled when it is needed."""

    def __init__(
        self, tree: Expression, compiled: cel.Expression | None = None, *, turns_on: bool = True
    ) -> None:
        """`turns_on`: whether it goes on by hand where the runtime gives up."""
        self._tree = tree
        self._known = compiled
        self._turns_on = turns_on

    def __call__(self, variables: Mapping[str, Any]) -> Any:
        """A plain value. Raises EvaluationError, TooManyTurns."""
        spent = meter.spent if (meter := METER.get(None)) is not None else 0
        try:
            result = self._compiled.eval(data=variables)
            value = result.plain_value()
        except (RuntimeError, TypeError) as error:
            if _TOO_MANY_TURNS not in str(error):
                raise EvaluationError(str(error)) from None
            if not self._turns_on:
                raise TooManyTurns(str(error)) from None
            if meter is not None:
                meter.spent = spent
            return self._by_hand(variables)
        if str(result.type().name()) == "ERROR":
            raise EvaluationError(_in_upstreams_words(str(value)))
        return value

    @functools.cached_property
    def _compiled(self) -> cel.Expression:
        return self._known or _environment().deserialize(encode(self._tree))

    @functools.cached_property
    def _by_hand(self) -> Evaluate:
        return by_hand(self._tree, _of_plain_values)


def _of_plain_values(tree: Expression, turns_on: bool) -> Evaluate:
    """Gives what other evaluations take."""
    evaluate = _Evaluable(tree, turns_on=turns_on)
    return lambda variables: _given(evaluate(variables))


def compile_expression(text: str, variables: Mapping[str, Type], wrap: Wrap | None = None) -> Program:
    """`wrap` puts the tree into another one, which sees other variables. Raises CompilationError."""
    runtime = _environment()
    try:
        parsed = runtime.compile(text, disable_check=True)
    except RuntimeError as error:
        raise CompilationError(_without_codes(str(error))) from None
    written = decode(parsed.serialize())
    try:
        checked = check(expanded(written), variables)
    except MacroError as error:
        raise CompilationError(_shown([(error.position, str(error))], text)) from None
    except CheckError as error:
        raise CompilationError(_shown(error.problems, text)) from None
    form = runtime_form(checked)
    whole = wrap(form) if wrap is not None else form
    return Program(_Evaluable(whole, parsed if whole == written else None), checked, wrap)


def _shown(problems: Iterable[tuple[int, str]], text: str) -> str:
    return "\n".join(_problem(position, problem, text) for position, problem in sorted(problems))


def _problem(position: int, problem: str, text: str) -> str:
    before = text[:position]
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n") - 1
    shown = text.split("\n")[line - 1].replace("\t", " ")
    return f"ERROR: <input>:{line}:{column + 1}: {problem}\n | {shown}\n | {'.' * column}^"


def _without_codes(text: str) -> str:
    return text.removeprefix("INVALID_ARGUMENT: ").removesuffix(" [INVALID_ARGUMENT]")


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
    return _messages()[1][OPAQUE[kind]](value=text)


@functools.cache
def _messages() -> tuple[descriptor_pool.DescriptorPool, dict[str, Any]]:
    """A message for each opaque type: one text, which says all about a value."""
    pool = descriptor_pool.DescriptorPool()
    for each in OPAQUE.values():
        package, _, name = each.rpartition(".")
        file = descriptor_pb2.FileDescriptorProto(name=f"{each}.proto", package=package, syntax="proto3")
        field = file.message_type.add(name=name).field.add(name="value", number=1)
        field.type, field.label = field.TYPE_STRING, field.LABEL_OPTIONAL
        pool.AddSerializedFile(file.SerializeToString())
    found = {each: pool.FindMessageTypeByName(each) for each in OPAQUE.values()}
    return pool, {each: message_factory.GetMessageClass(message) for each, message in found.items()}


# functions

_MESSAGE, _OPAQUE_NAMES = "message", frozenset(OPAQUE.values())
_ANYTHING = ("bool", "bytes", "double", "duration", "int", "list", "map", "string", "timestamp")
"""The runtime finds no overload by a parameter of any type: each is told by itself."""


@functools.cache
def _environment() -> cel.Env:
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_bindings, ext_optional

    by_name: dict[str, list[Function]] = {}
    for each in (*FUNCTIONS, *METERING, *LOOPING):
        by_name.setdefault(each.runtime_name or each.name, []).append(each)
    return cel.NewEnv(
        descriptor_pool=_messages()[0],
        extensions=[ext_optional.ExtOptional(), ext_bindings.ExtBindings()],
        functions=[cel.FunctionDecl(name, _overloads(name, found)) for name, found in by_name.items()],
    )


def _overloads(name: str, functions: Sequence[Function]) -> list[cel.Overload]:
    """The runtime tells overloads by kinds of values: one for all that differ in nothing else."""
    from cel_expr_python import cel

    kinds = {
        **{
            each: getattr(cel.Type, each.upper())
            for each in (*_ANYTHING, "dyn")
            if each not in ("list", "map")
        },
        "list": cel.Type.List(cel.Type.DYN),
        "map": cel.Type.Map(cel.Type.DYN, cel.Type.DYN),
    }
    alike: dict[tuple[bool, tuple[str, ...]], list[Function]] = {}
    for each in functions:
        for parameters in product(*(_kinds(parse_type(kind)) for kind in each.parameters)):
            alike.setdefault((each.is_member, parameters), []).append(each)
    overloads = []
    for (is_member, parameters), found in alike.items():
        messages = iter([kind for kind in found[0].parameters if kind in _OPAQUE_NAMES])
        types = [cel.Type(next(messages)) if kind == _MESSAGE else kinds[kind] for kind in parameters]
        identity = f"{name}_{'_'.join(parameters)}_{is_member}"
        overloads.append(cel.Overload(identity, cel.Type.DYN, types, is_member, impl=_dispatcher(found)))
    return overloads


def _kinds(parameter: Type) -> tuple[str, ...]:
    """What the runtime calls the values of a type."""
    if parameter.is_free:
        return _ANYTHING
    return (_MESSAGE,) if parameter.name in _OPAQUE_NAMES else (parameter.name,)


def _dispatcher(functions: Sequence[Function]) -> Callable[..., Any]:
    """Opaque values are texts to a library, and messages to the runtime."""
    _, classes = _messages()
    by_types = [(tuple(classes.get(kind) for kind in each.parameters), each) for each in functions]
    made = {each: classes.get(_plain_result(each)) for each in functions}
    if not any(by_types[0][0]) and all(each.result in _AS_THEY_ARE for each in functions):
        return functions[0].implementation

    def call(*arguments: Any) -> Any:
        for types, function in by_types:
            if all(
                kind is None or isinstance(each, kind) for kind, each in zip(types, arguments, strict=True)
            ):
                plain = [each.value if kind else each for kind, each in zip(types, arguments, strict=True)]
                result = function.implementation(*plain)
                make = made[function]
                return make(value=result) if make is not None else _given(result)
        raise ValueError("no such overload")

    return call


_AS_THEY_ARE = ("bool", "int", "double", "string", "list<string>", "list<int>")


def _given(value: Any) -> Any:
    """The runtime gives times as Python's, and takes them as messages."""
    if isinstance(value, datetime):
        moment = timestamp_pb2.Timestamp()
        moment.FromDatetime(value)
        return moment
    if isinstance(value, timedelta):
        duration = duration_pb2.Duration()
        duration.FromTimedelta(value)
        return duration
    if isinstance(value, list):
        return [_given(each) for each in value]
    return {key: _given(each) for key, each in value.items()} if isinstance(value, dict) else value


def _plain_result(function: Function) -> str:
    return function.result.removeprefix("optional<").removesuffix(">")
