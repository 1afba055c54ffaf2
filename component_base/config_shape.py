"""What a configuration file may hold: shapes in Go's types, and what Go's decoder says of what does not fit.

Go tells the first value of a wrong type, and of unknown fields all. It knows the fields of YAML in the order
of their names, those of JSON as they were written.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from apimachinery.durations import parse_duration
from apimachinery.go_values import json_kind
from apimachinery.quantity import Quantity


@dataclass(frozen=True, slots=True)
class Scalar:
    """`kinds`: of JSON values; `read` refuses with ValueError what is no more than of the right kind."""

    go_type: str
    kinds: tuple[type, ...]
    read: Callable[[Any], object] = lambda value: value
    bits: int = 0
    """Of a whole number."""


_BASE64 = re.compile("(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_NO_DIGIT = re.compile(rb"[^A-Za-z0-9+/\r\n]")


def from_base64(text: str) -> bytes:
    """As Go decodes it: lines may be broken anywhere. Raises ValueError."""
    joined = text.replace("\n", "").replace("\r", "")
    if not _BASE64.fullmatch(joined):
        raise ValueError(f"illegal base64 data at input byte {_illegal_place(text.encode())}")
    return base64.b64decode(joined)


def _illegal_place(text: bytes) -> int:
    """Where Go's decoder stops, in a text that is no base64."""
    stop = _NO_DIGIT.search(text)
    place = stop.start() if stop else len(text)
    begun = sum(each not in b"\r\n" for each in text[:place]) % 4
    if stop is None:
        return place - begun
    if stop[0] != b"=" or begun < 2:
        return place
    rest = [index for index in range(place + 1, len(text)) if text[index] not in b"\r\n"]
    if begun == 2:
        if not rest:
            return len(text)
        if text[rest[0]] != ord("="):
            return rest[0] - 1
        rest = rest[1:]
    return rest[0]


BOOL = Scalar("bool", (bool,))
STRING = Scalar("string", (str,))
INT32, INT64 = Scalar("int32", (int, float), bits=32), Scalar("int64", (int, float), bits=64)
FLOAT32, FLOAT64 = Scalar("float32", (int, float)), Scalar("float64", (int, float))
DURATION = Scalar("string", (str,), parse_duration)
BYTES = Scalar("[]uint8", (str,), from_base64)
QUANTITY = Scalar("resource.Quantity", (str, int, float), Quantity.parse)
ANY = Scalar("interface {}", (bool, str, int, float, list, dict))
"""What is not looked into: it is of no use here, or somebody else's."""


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    name: str = ""
    """Of a type of its own."""

    @property
    def go_type(self) -> str:
        return self.name or f"[]{self.item.go_type}"


@dataclass(frozen=True, slots=True)
class MapOf:
    value: Shape
    name: str = ""
    """Of a type of its own."""

    @property
    def go_type(self) -> str:
        return self.name or f"map[string]{self.value.go_type}"


@dataclass(frozen=True, slots=True)
class Struct:
    """`go_type` is a name with its package: `v1.Plugin`."""

    go_type: str
    fields: Mapping[str, Shape]

    @property
    def name(self) -> str:
        """Empty for one that is declared on the spot."""
        return "" if "{" in self.go_type else self.go_type.rpartition(".")[2]


Shape = Scalar | ListOf | MapOf | Struct


def named(go_type: str) -> Scalar:
    """A string of a type of its own."""
    return Scalar(go_type, (str,))


def of_type(shape: Shape, names: str) -> dict[str, Shape]:
    """Fields of one shape, by names with blanks between them."""
    return dict.fromkeys(names.split(), shape)


def misfit(value: Any, shape: Shape) -> str:
    """What the decoder says of the first value of a YAML that does not fit; "" if all do."""
    return misfit_as_written(in_order(value), shape)


def misfit_as_written(value: Any, shape: Shape) -> str:
    """As `misfit`, of JSON."""
    return next(_misfits(value, shape, "", ""), "")


def in_order(value: Any) -> Any:
    """With its keys in the order of their names, as YAML becomes JSON."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value, key=str)}
    return [in_order(each) for each in value] if isinstance(value, list) else value


def unknown_fields(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Paths of fields that the shape does not have, in a value that fits otherwise."""
    if isinstance(shape, Struct) and isinstance(value, dict):
        for name in sorted(value):
            below = f"{path}.{name}" if path else name
            if name in shape.fields:
                yield from unknown_fields(value[name], shape.fields[name], below)
            else:
                yield below
    elif isinstance(shape, ListOf) and isinstance(value, list):
        for index, each in enumerate(value):
            yield from unknown_fields(each, shape.item, f"{path}[{index}]")
    elif isinstance(shape, MapOf) and isinstance(value, dict):
        for name in sorted(value):
            yield from unknown_fields(value[name], shape.value, f"{path}.{name}")


def decoded(value: Any, shape: Shape) -> Any:
    """A value that fits, as Go has it then: what is null was not given, and 2.0 is a whole number."""
    if isinstance(shape, Struct | MapOf) and value is not None:
        shapes = shape.fields if isinstance(shape, Struct) else dict.fromkeys(value, shape.value)
        return {
            name: decoded(each, shapes.get(name, ANY)) for name, each in value.items() if each is not None
        }
    if isinstance(shape, ListOf) and value is not None:
        return [decoded(each, shape.item) for each in value]
    if isinstance(shape, Scalar):
        return _decoded_scalar(value, shape)
    return [] if isinstance(shape, ListOf) else {}


def _decoded_scalar(value: Any, shape: Scalar) -> Any:
    if value is None and shape is not ANY:
        return shape.kinds[0]()
    return int(value) if shape.bits else value


def _misfits(value: Any, shape: Shape, owner: str, path: str) -> Iterator[str]:
    """`owner`: the struct that has the field at the path. Null is nothing that was said."""
    if value is None:
        return
    if isinstance(shape, Scalar):
        yield from _scalar_misfits(value, shape, owner, path)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list):
            yield _unmarshal(json_kind(value), shape, owner, path)
            return
        for each in value:
            yield from _misfits(each, shape.item, owner, path)
    elif not isinstance(value, dict):
        yield _unmarshal(json_kind(value), shape, owner, path)
    elif isinstance(shape, MapOf):
        for each in value.values():
            yield from _misfits(each, shape.value, owner, path)
    else:
        for name, each in value.items():
            if name in shape.fields:
                below = f"{path}.{name}" if path else name
                yield from _misfits(each, shape.fields[name], shape.name, below)


def _scalar_misfits(value: Any, shape: Scalar, owner: str, path: str) -> Iterator[str]:
    if type(value) not in shape.kinds:
        yield _unmarshal(json_kind(value), shape, owner, path)
    elif shape.bits and not _is_whole(value, shape.bits):
        yield _unmarshal(f"number {value}", shape, owner, path)
    else:
        try:
            shape.read(value)
        except ValueError as error:
            yield str(error)


def _is_whole(value: float, bits: int) -> bool:
    is_whole = isinstance(value, int) or value.is_integer()
    return is_whole and -(1 << bits - 1) <= value < 1 << bits - 1


def _unmarshal(what: str, shape: Shape, owner: str, path: str) -> str:
    place = f"struct field {owner}.{path}" if path else "value"
    return f"json: cannot unmarshal {what} into Go {place} of type {shape.go_type}"


_VERSION_KIND = (
    r'struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)


def type_meta_problem(document: Any) -> str:
    """Why it cannot be told of which version and kind a document is."""
    problem = misfit_as_written(document, Struct(_VERSION_KIND, of_type(STRING, "apiVersion kind")))
    return problem and f"couldn't get version/kind; json parse error: {problem}"


def kind_problem(document: Any, api_version: str, kind: str, *others: tuple[str, str]) -> str:
    """Why a document is not of the kind that is looked for, before anything else of it is read.

    `others`: further versions and kinds that will do.
    """
    if problem := type_meta_problem(in_order(document)):
        return problem
    found = {name: (document or {}).get(name) or "" for name in ("kind", "apiVersion")}
    if found["apiVersion"].count("/") > 1:
        return f"unexpected GroupVersion string: {found['apiVersion']}"
    for name, text in (("Kind", found["kind"]), ("apiVersion", found["apiVersion"])):
        if not text:
            return f"Object '{name}' is missing"
    if (found["apiVersion"], found["kind"]) not in ((api_version, kind), *others):
        return f'no kind "{found["kind"]}" is registered for version "{found["apiVersion"]}"'
    return ""


_BASE = "v1alpha1"
CLIENT_CONNECTION = Struct(f"{_BASE}.ClientConnectionConfiguration", {
    **of_type(STRING, "kubeconfig acceptContentTypes contentType"), "qps": FLOAT32, "burst": INT32,
})  # fmt: skip
LEADER_ELECTION = Struct(f"{_BASE}.LeaderElectionConfiguration", {
    "leaderElect": BOOL,
    **of_type(DURATION, "leaseDuration renewDeadline retryPeriod"),
    **of_type(STRING, "resourceLock resourceName resourceNamespace"),
})  # fmt: skip
_OUTPUT_ROUTING = {"splitStream": BOOL, "infoBufferSize": QUANTITY}
LOGGING = Struct("v1.LoggingConfiguration", {
    "format": STRING,
    "flushFrequency": ANY,
    "verbosity": Scalar("v1.VerbosityLevel", (int, float), bits=32),
    "vmodule": ListOf(Struct("v1.VModuleItem", {
        "filePattern": STRING, "verbosity": Scalar("v1.VerbosityLevel", (int, float), bits=32),
    })),
    "options": Struct("v1.FormatOptions", {
        "text": Struct("v1.TextOptions", _OUTPUT_ROUTING), "json": Struct("v1.JSONOptions", _OUTPUT_ROUTING),
    }),
})  # fmt: skip
"""Of component-base, which the daemons' configurations share."""
