"""Operations by path; parameters that all operations of a path share are listed once, with the path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apimachinery.scheme import Resource
from apiserver.openapi.operations import Operation, operations
from apiserver.openapi.parameters import PRETTY, Parameter, of_path, ordered


@dataclass(frozen=True, slots=True)
class Path:
    path: str
    parameters: list[Parameter]
    """Of every operation here."""
    operations: list[tuple[Operation, list[Parameter]]]
    """Each with those of its own."""


def paths_of(resources: Iterable[Resource]) -> list[Path]:
    """In the order of the paths."""
    found: dict[str, list[Operation]] = {}
    for operation in operations(resources):
        found.setdefault(operation.path, []).append(operation)
    return [_path(path, found[path]) for path in sorted(found)]


def _path(path: str, each: list[Operation]) -> Path:
    shared = frozenset(each[0].parameters).intersection(*(one.parameters for one in each))
    own = [(one, ordered(set(one.parameters) - shared)) for one in each]
    pretty = () if each[0].action == "connect" else PRETTY
    return Path(path, ordered((*of_path(path), *pretty, *shared)), own)
