"""Expressions that choose devices: `device.attributes["gpu.example.com"].model == "a"`.

They are about one variable, `device`, with what a driver says of it. A domain that the device has nothing of
is an empty map, so that an expression may ask with has().
Source: cel/compile.go of k8s.io/dynamic-resource-allocation 0.34.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from apiserver.cel.cost import estimate_cost
from apiserver.cel.environment import CompilationError, EvaluationError, Program, compile_expression, opaque
from apiserver.cel.libraries.function import OPAQUE
from apiserver.cel.shapes import KEYS, UNKNOWN, VALUES, Shape
from apiserver.cel.syntax import Call, Constant, Expression, Identifier, Select, walk
from apiserver.cel.types import BOOL, DYN, Struct, parse_type

MAX_COST = 1_000_000
_DOMAIN, _IDENTIFIER, _VALUE, _ENTRIES = 63, 32, 64, 32
_DEVICE = Struct(
    "kubernetes.DRADevice",
    fields={
        "driver": parse_type("string"),
        "attributes": parse_type("map<string,map<string,dyn>>"),
        "capacity": parse_type(f"map<string,map<string,{OPAQUE['Quantity']}>>"),
    },
)


@dataclass(frozen=True, slots=True)
class _Part(Shape):
    """Something of a size that is known, and what is in it."""

    length: int
    children: Mapping[str, Shape] = field(default_factory=dict)
    """By field, or by step."""
    others: Shape = UNKNOWN

    def size(self) -> int:
        return self.length

    def child(self, step: str) -> Shape:
        return self.children.get(step, self.others)


def _map(key: int, value: Shape, others: Shape = UNKNOWN) -> Shape:
    return _Part(_ENTRIES, {KEYS: _Part(key), VALUES: value}, others)


_ATTRIBUTE = _Part(_VALUE)
_SHAPE = _Part(
    0,
    {
        "driver": _Part(_DOMAIN),
        "attributes": _map(_DOMAIN, _map(_IDENTIFIER, _ATTRIBUTE, _ATTRIBUTE)),
        "capacity": _map(_DOMAIN, _map(_IDENTIFIER, _Part(0))),
    },
)


class DeviceSelector:
    """A compiled expression, and what evaluating it for any device costs at most."""

    def __init__(self, program: Program, cost: int) -> None:
        self.cost = cost
        self._program = program
        self._domains = frozenset(_domains_in(program.tree))

    def matches(self, driver: str, device: Object) -> bool:
        """`device` is one of a ResourceSlice. Raises EvaluationError."""
        found = self._program.evaluate({"device": self._value(driver, device)})
        if not isinstance(found, bool):
            raise EvaluationError(f"CEL result of type {type(found).__name__} could not be converted to bool")
        return found

    def _value(self, driver: str, device: Object) -> Object:
        parts: dict[str, dict[str, dict[str, Any]]] = {"attributes": {}, "capacity": {}}
        for part, domain in self._domains:
            parts[part].setdefault(domain, {})
        for name, attribute in (device.get("attributes") or {}).items():
            domain, identifier = _split(name, driver)
            parts["attributes"].setdefault(domain, {})[identifier] = _attribute(attribute)
        for name, capacity in (device.get("capacity") or {}).items():
            domain, identifier = _split(name, driver)
            amount = Quantity.parse(capacity["value"]).nanos
            parts["capacity"].setdefault(domain, {})[identifier] = opaque("Quantity", f"{amount}n")
        return {"driver": driver, **parts}


@functools.lru_cache(maxsize=256)
def compile_selector(text: str) -> DeviceSelector:
    """Raises CompilationError, in upstream's words."""
    try:
        program = compile_expression(text, {"device": _DEVICE})
    except CompilationError as error:
        raise CompilationError(f"compilation failed: {error}") from None
    if program.result_type not in (BOOL, DYN):
        kind = program.result_type.declared_name
        raise CompilationError(f"must evaluate to bool or the unknown type, not {kind}")
    return DeviceSelector(program, estimate_cost(program.checked, "", {"device": _SHAPE}))


def _split(name: str, driver: str) -> tuple[str, str]:
    """A name without a domain is of the driver's."""
    domain, slash, identifier = name.partition("/")
    return (domain, identifier) if slash else (driver, name)


def _attribute(attribute: Mapping[str, Any]) -> Any:
    """Raises EvaluationError if it has no value of a kind that we know."""
    if attribute.get("version") is not None:
        return opaque("Semver", attribute["version"])
    for kind in ("int", "bool", "string"):
        if attribute.get(kind) is not None:
            return attribute[kind]
    raise EvaluationError("unsupported attribute value")


def _domains_in(expression: Expression) -> Iterator[tuple[str, str]]:
    """(part, domain) of each `device.part["domain"]`."""
    for each in walk(expression):
        match each:
            case Call("_[_]", (Select(Identifier("device"), part), Constant(str(domain)))):
                yield part, domain
