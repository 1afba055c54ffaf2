"""Which functions there are, and of what types: the language's own, and those of the libraries.

Source: common/stdlib/standard.go and cel/library.go of cel-go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

from apiserver.cel.libraries import FUNCTIONS
from apiserver.cel.libraries.function import OPAQUE
from apiserver.cel.types import Type, parameters_in, parse_type

_NUMBERS = ("double", "int", "uint")
_SCALARS = ("bool", "bytes", "double", "duration", "int", "string", "timestamp", "uint")

_GLOBAL = {
    "_?_:_": "bool A A = A",
    "!_": "bool = bool",
    "@not_strictly_false": "bool = bool",
    "_==_": "A A = bool",
    "_!=_": "A A = bool",
    "_+_": "bytes bytes = bytes; double double = double; duration duration = duration;"
    " duration timestamp = timestamp; timestamp duration = timestamp; int int = int;"
    " list<A> list<A> = list<A>; string string = string; uint uint = uint",
    "_-_": "double double = double; duration duration = duration; int int = int;"
    " timestamp duration = timestamp; timestamp timestamp = duration; uint uint = uint",
    "_*_": "double double = double; int int = int; uint uint = uint",
    "_/_": "double double = double; int int = int; uint uint = uint",
    "_%_": "int int = int; uint uint = uint",
    "-_": "double = double; int = int",
    "_[_]": "list<A> int = A; map<A,B> A = B; optional<list<A>> int = optional<A>;"
    " optional<map<A,B>> A = optional<B>",
    "_[?_]": "list<A> int = optional<A>; map<A,B> A = optional<B>; optional<list<A>> int = optional<A>;"
    " optional<map<A,B>> A = optional<B>",
    "@in": "A list<A> = bool; A map<A,B> = bool",
    "size": "bytes = int; list<A> = int; map<A,B> = int; string = int",
    "type": "A = type<A>",
    "bool": "bool = bool; string = bool",
    "bytes": "bytes = bytes; string = bytes",
    "double": "double = double; int = double; string = double; uint = double",
    "duration": "duration = duration; int = duration; string = duration",
    "dyn": "A = dyn",
    "int": "int = int; double = int; duration = int; string = int; timestamp = int; uint = int",
    "string": "string = string; bool = string; bytes = string; double = string; duration = string;"
    " int = string; timestamp = string; uint = string",
    "timestamp": "timestamp = timestamp; int = timestamp; string = timestamp",
    "uint": "uint = uint; double = uint; int = uint; string = uint",
    "matches": "string string = bool",
    "optional.of": "A = optional<A>",
    "optional.ofNonZeroValue": "A = optional<A>",
    "optional.none": "= optional<A>",
    "cel.@mapInsert": "map<K,V> K V = map<K,V>; map<K,V> map<K,V> = map<K,V>",
    "optional.unwrap": "list<optional<A>> = list<A>",
}
_OF_TIMES = "timestamp = int; timestamp string = int"
_MEMBERS = {
    "size": _GLOBAL["size"],
    "matches": "string string = bool",
    "contains": "string string = bool",
    "endsWith": "string string = bool",
    "startsWith": "string string = bool",
    **dict.fromkeys(
        ("getFullYear", "getMonth", "getDayOfYear", "getDayOfMonth", "getDate", "getDayOfWeek"), _OF_TIMES
    ),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds"), f"{_OF_TIMES}; duration = int"),
    "getMilliseconds": _OF_TIMES,
    "hasValue": "optional<A> = bool",
    "value": "optional<A> = A",
    "or": "optional<A> optional<A> = optional<A>",
    "orValue": "optional<A> A = A",
    "first": "list<A> = optional<A>",
    "last": "list<A> = optional<A>",
    "unwrapOpt": "list<optional<A>> = list<A>",
}

MESSAGES: Mapping[str, Type] = {
    f"google.protobuf.{name}": parse_type(kind)
    for name, kind in {
        "BoolValue": "bool", "BytesValue": "bytes", "DoubleValue": "double", "Duration": "duration",
        "Int64Value": "int", "ListValue": "list<dyn>", "StringValue": "string", "Struct": "map<string,dyn>",
        "Timestamp": "timestamp", "UInt64Value": "uint", "Value": "dyn",
    }.items()
}  # fmt: skip
"""What can be written with its fields, by its long name."""

CONSTANTS: Mapping[str, Type] = {
    name: Type("type", (kind,))
    for name, kind in {
        **{name: Type(name) for name in (*_SCALARS, "null_type", *OPAQUE.values())},
        "list": parse_type("list<dyn>"),
        "map": parse_type("map<dyn,dyn>"),
        **MESSAGES,
    }.items()
    if name not in ("duration", "timestamp")
}
"""Names of types."""


@dataclass(frozen=True, slots=True)
class Overload:
    parameters: tuple[Type, ...]
    """Of a member the first is its object's."""
    result: Type
    is_member: bool
    is_open: bool
    """Whether it has parameters of its own."""
    makes_optional: bool = False
    """Whether nothing, which the function gives, means none."""
    runtime_name: str = ""
    """What the runtime is told to call, if not the function's own name."""


@cache
def declarations() -> Mapping[str, tuple[Overload, ...]]:
    """By the name of the function."""
    found: dict[str, list[Overload]] = {}
    for name, overload in (*_of(_GLOBAL, False), *_of(_MEMBERS, True), *_comparisons(), *_of_libraries()):
        found.setdefault(name, []).append(overload)
    return {name: tuple(overloads) for name, overloads in found.items()}


def _of(table: Mapping[str, str], is_member: bool) -> Iterator[tuple[str, Overload]]:
    for name, overloads in table.items():
        for each in overloads.split(";"):
            parameters, _, result = each.partition("=")
            yield name, _overload(parameters.split(), result.strip(), is_member)


def _comparisons() -> Iterator[tuple[str, Overload]]:
    """Of what is of one type; numbers with any."""
    pairs = [(each, each) for each in _SCALARS if each not in _NUMBERS] + [*product(_NUMBERS, repeat=2)]
    for name in ("_<_", "_<=_", "_>_", "_>=_"):
        for pair in pairs:
            yield name, _overload(pair, "bool", False)


def _of_libraries() -> Iterator[tuple[str, Overload]]:
    for each in FUNCTIONS:
        overload = _overload(each.parameters, each.result, each.is_member)
        makes_optional = each.result.startswith("optional<")
        yield each.name, replace(overload, makes_optional=makes_optional, runtime_name=each.runtime_name)


def _overload(parameters: Iterable[str], result: str, is_member: bool) -> Overload:
    kinds = (*map(parse_type, parameters), parse_type(result))
    return Overload(kinds[:-1], kinds[-1], is_member, bool(parameters_in(kinds)))
