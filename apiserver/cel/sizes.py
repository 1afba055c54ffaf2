"""Sizes and costs that are only known from and to, as unsigned numbers that stop at their largest."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

from apiserver.cel.shapes import ITEMS, Shape
from apiserver.cel.syntax import Expression
from apiserver.cel.types import Type

MAX = 2**64 - 1


class Range(NamedTuple):
    least: int
    most: int

    def plus(self, other: Range) -> Range:
        return Range(min(MAX, self.least + other.least), min(MAX, self.most + other.most))

    def times(self, other: Range) -> Range:
        return Range(min(MAX, self.least * other.least), min(MAX, self.most * other.most))

    def scaled(self, factor: float) -> Range:
        return Range(_scaled(self.least, factor), _scaled(self.most, factor))

    def union(self, other: Range) -> Range:
        return Range(min(self.least, other.least), max(self.most, other.most))


def _scaled(number: int, factor: float) -> int:
    return min(MAX, ceil(float(number) * factor))


def fixed(number: int) -> Range:
    return Range(number, number)


NOTHING, ONE, ANY_SIZE = fixed(0), fixed(1), Range(0, MAX)


class Entries(NamedTuple):
    """What is in a list or a map that was computed."""

    is_list: bool
    key: Range
    value: Range

    def union(self, other: Entries) -> Entries:
        return Entries(self.is_list, self.key.union(other.key), self.value.union(other.value))


@dataclass(frozen=True, slots=True)
class Node:
    """What is known of a part of an expression."""

    expression: Expression
    type: Type
    cost: Range
    size: Range
    is_sized: bool
    """Whether the size is more than a guess."""
    place: Shape | None = None
    """Of what comes from a variable."""
    entries: Entries | None = None

    def item_size(self, unknown: Range) -> Range:
        """Of a list's items."""
        size = self.place.child(ITEMS).size() if self.place is not None else None
        return unknown if size is None else Range(0, size)
