"""The types of expressions, and when a value of one may stand where another is wanted.

Source: common/types/types.go, checker/types.go and checker/format.go of cel-go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

OPTIONAL = "optional_type"
_PLAIN = ("bool", "bytes", "double", "int", "string", "uint")
_LONG_NAMES = {"duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"}
_ERROR_NAMES = {"null_type": "null"}


@dataclass(frozen=True)
class Type:
    """`int`, `list` with its items' type, `kubernetes.Quantity`, or a parameter such as `T`."""

    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        """As errors of the checker tell it."""
        inside = ", ".join(map(str, self.parameters))
        return f"{self.name}({inside})" if inside else _ERROR_NAMES.get(self.name, self.name)

    @property
    def declared_name(self) -> str:
        """As it is told where an expression has another type than it should."""
        inside = ", ".join(each.declared_name for each in self.parameters)
        return f"{self.name}({inside})" if inside else _LONG_NAMES.get(self.name, self.name)

    @cached_property
    def is_free(self) -> bool:
        """Whether it is a parameter."""
        return len(self.name) == 1 or self.name[0] == "_"

    @cached_property
    def is_open(self) -> bool:
        """Whether a parameter is in it."""
        return self.is_free or any(each.is_open for each in self.parameters)

    @property
    def is_anything(self) -> bool:
        return self.name in (DYN.name, ERROR.name)

    @property
    def is_nullable(self) -> bool:
        return self.name not in (*_PLAIN, "list", "map", "type")


@dataclass(frozen=True, eq=False)
class ObjectType(Type):
    """Something with fields of its own; no other type is the same, whatever its fields."""

    def field(self, name: str) -> Type | None:
        raise NotImplementedError

    def all_fields(self) -> Iterator[tuple[str, Type]]:
        """Those that may have lists in them whose order does not count."""
        return iter(())


@dataclass(frozen=True, eq=False, kw_only=True)
class Struct(ObjectType):
    """An object whose fields are written down."""

    fields: Mapping[str, Type]

    def field(self, name: str) -> Type | None:
        return self.fields.get(name)


@dataclass(frozen=True, kw_only=True)
class UnorderedList(Type):
    """A list whose order does not count: a set, or a map by keys of its items."""

    keys: tuple[str, ...]


BOOL, BYTES, DOUBLE, INT, STRING, UINT = map(Type, _PLAIN)
DURATION, TIMESTAMP = Type("duration"), Type("timestamp")
DYN, ERROR, NULL = Type("dyn"), Type("!error!"), Type("null_type")


def list_of(item: Type) -> Type:
    return Type("list", (item,))


def map_of(key: Type, value: Type) -> Type:
    return Type("map", (key, value))


def optional_of(inner: Type) -> Type:
    return Type(OPTIONAL, (inner,))


def unwrapped(kind: Type) -> tuple[Type, bool]:
    """What an optional is of, and whether it was one."""
    return (kind.parameters[0], True) if kind.name == OPTIONAL else (kind, False)


@lru_cache(maxsize=1024)
def parse_type(text: str) -> Type:
    """Of `map<string,list<T>>`."""
    name, bracket, rest = text.partition("<")
    if not bracket:
        return Type({"optional": OPTIONAL, "null": NULL.name}.get(name, name))
    parts, depth, start = [], 0, 0
    inside = rest[:-1]
    for at, letter in enumerate(inside):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and not depth:
            parts.append(inside[start:at])
            start = at + 1
    parts.append(inside[start:])
    return Type({"optional": OPTIONAL}.get(name, name), tuple(map(parse_type, parts)))


class Bindings:
    """What parameters have turned out to be."""

    def __init__(self) -> None:
        self._bound: dict[str, Type] = {}

    def fit(self, given: Sequence[Type], wanted: Sequence[Type]) -> bool:
        """Whether values of these types may stand where those are wanted. If not, nothing is remembered."""
        if len(given) != len(wanted):
            return False
        before, self._bound = self._bound, self._bound.copy()
        if all(map(self._fits, given, wanted)):
            return True
        self._bound = before
        return False

    def _fits(self, given: Type, wanted: Type) -> bool:
        if wanted.is_free:
            fits, is_bound = self._bind(given, wanted)
            if fits or is_bound:
                return fits
        if given.is_free:
            return self._bind(wanted, given)[0]
        if given.is_anything or wanted.is_anything:
            return True
        if NULL.name in (given.name, wanted.name):
            return (wanted if given.name == NULL.name else given).is_nullable
        if isinstance(given, ObjectType) or isinstance(wanted, ObjectType):
            return given is wanted
        if given.name == wanted.name == "type":
            return True
        return (
            given.name == wanted.name
            and len(given.parameters) == len(wanted.parameters)
            and all(map(self._fits, given.parameters, wanted.parameters))
        )

    def _bind(self, kind: Type, parameter: Type) -> tuple[bool, bool]:
        """Whether the parameter may be of that type, and whether it had been bound before."""
        if kind == parameter:
            return True, True
        bound = self._bound.get(parameter.name)
        if bound is not None:
            if kind == bound:
                return True, True
            if not self._fits(kind, bound):
                return False, True
            self._set(parameter, more_general(kind, bound))
            return True, True
        return self._set(parameter, kind), False

    def _set(self, parameter: Type, kind: Type) -> bool:
        """False if the type has the parameter in it."""
        if self._is_in(parameter, kind):
            return False
        self._bound[parameter.name] = kind
        return True

    def _is_in(self, parameter: Type, kind: Type) -> bool:
        if kind.is_free:
            bound = self._bound.get(kind.name)
            return kind == parameter or (bound is not None and self._is_in(parameter, bound))
        return any(self._is_in(parameter, each) for each in kind.parameters)

    def resolve(self, kind: Type, *, finally_: bool = False) -> Type:
        """With what is known in place of parameters; finally with dyn for the others."""
        if not kind.is_open:
            return kind
        if kind.is_free:
            bound = self._bound.get(kind.name)
            if bound is not None:
                return self.resolve(bound, finally_=finally_)
            return DYN if finally_ else kind
        return Type(kind.name, tuple(self.resolve(each, finally_=finally_) for each in kind.parameters))


def more_general(left: Type, right: Type) -> Type:
    """Of two that fit together."""
    return left if _is_as_general(left, right) else right


def _is_as_general(left: Type, right: Type) -> bool:
    if left == DYN or left.is_free:
        return True
    if right == DYN or right.is_free:
        return False
    if left.name != right.name:
        return False
    if left.name == "type" or isinstance(left, ObjectType):
        return True
    return len(left.parameters) == len(right.parameters) and all(
        map(_is_as_general, left.parameters, right.parameters)
    )


def instantiated(kinds: Sequence[Type], fresh: Mapping[str, Type]) -> tuple[Type, ...]:
    """With other parameters in place of those."""
    return tuple(_renamed(each, fresh) for each in kinds)


def _renamed(kind: Type, fresh: Mapping[str, Type]) -> Type:
    if kind.is_free:
        return fresh[kind.name]
    if not kind.parameters:
        return kind
    return Type(kind.name, instantiated(kind.parameters, fresh))


def parameters_in(kinds: Sequence[Type]) -> set[str]:
    found: set[str] = set()
    for each in kinds:
        found |= {each.name} if each.is_free else parameters_in(each.parameters)
    return found
