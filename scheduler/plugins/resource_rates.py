"""How good a node is with so much of a resource in use: NodeResourcesFit's three scoring strategies.

Each rates one resource from 0 to 100, for one node and, with equal results, for columns of them.
Source: pkg/scheduler/framework/plugins/noderesources of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from scheduler.framework.interface import MAX_NODE_SCORE

if TYPE_CHECKING:
    from scheduler.columns import IntArray

_MAX_SHAPE_SCORE = 10


class Rate(Protocol):
    """`skips_zero`: a resource that is rated 0 doesn't count at all, and the average is rounded."""

    skips_zero: bool

    def rate(self, used: int, allocatable: int) -> int: ...

    def rate_columns(self, used: IntArray, allocatable: IntArray, capacity: IntArray) -> IntArray:
        """`capacity` is what is allocatable, but at least 1. 0 where nothing is allocatable."""


class LeastAllocated:
    skips_zero = False

    def rate(self, used: int, allocatable: int) -> int:
        return max(allocatable - used, 0) * MAX_NODE_SCORE // allocatable

    def rate_columns(self, used: IntArray, allocatable: IntArray, capacity: IntArray) -> IntArray:
        left = allocatable - used
        # A division of floats is much faster, and exact after truncation for numbers below 2**45.
        rated: IntArray = (left * (left > 0) * MAX_NODE_SCORE / capacity).astype("int64")
        return rated


class MostAllocated:
    skips_zero = False

    def rate(self, used: int, allocatable: int) -> int:
        return min(used, allocatable) * MAX_NODE_SCORE // allocatable

    def rate_columns(self, used: IntArray, allocatable: IntArray, capacity: IntArray) -> IntArray:
        rated: IntArray = used.clip(max=allocatable) * MAX_NODE_SCORE // capacity
        return rated


class RequestedToCapacityRatio:
    """A line through points, as a table: one rating for each percentage of utilization."""

    skips_zero = True

    def __init__(self, shape: Sequence[tuple[int, int]]) -> None:
        """`shape`: (utilization 0 to 100, score 0 to 10), by rising utilization."""
        points = [(x, y * MAX_NODE_SCORE // _MAX_SHAPE_SCORE) for x, y in shape]
        self._table = [_on_line(points, utilization) for utilization in range(101)]

    def rate(self, used: int, allocatable: int) -> int:
        return self._table[min(used * 100 // allocatable, 100)]

    def rate_columns(self, used: IntArray, allocatable: IntArray, capacity: IntArray) -> IntArray:
        import numpy as np

        table = np.array(self._table, dtype=np.int64)
        rated: IntArray = table[(used * 100 // capacity).clip(max=100)] * (allocatable > 0)
        return rated


def _on_line(points: Sequence[tuple[int, int]], x: int) -> int:
    """Between two points, cut towards zero as Go does."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + int((y1 - y0) * (x - x0) / (x1 - x0))
    return points[-1][1]
