"""PodCounts: how many pods of a kind run on each node, kept up to date instead of counted again.

A kind is a set of namespaces and a label selector, or a template; whoever asks for one first makes it known.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import NamedTuple, Protocol

from apimachinery.labels import Selector
from scheduler.node_info import NodeInfo
from scheduler.pod_info import PodInfo, PodSpec

_MAX_KINDS = 1024
_MAX_REMEMBERED = 4096


class Kind(Hashable, Protocol):
    """Something that pods are or are not, as long as their labels and spec stay what they are."""

    def includes(self, pod: PodInfo) -> bool: ...


class Template(NamedTuple):
    """Pods of one template, which want the same: those of a namespace that share their PodSpec."""

    namespace: str
    spec: PodSpec

    def includes(self, pod: PodInfo) -> bool:
        return pod.spec is self.spec and pod.namespace == self.namespace


class PodKind(NamedTuple):
    """Which pods to count. `namespaces` None is all of them."""

    namespaces: frozenset[str] | None
    selector: Selector
    with_terminating: bool = False

    def includes(self, pod: PodInfo) -> bool:
        if self.namespaces is not None and pod.namespace not in self.namespaces:
            return False
        if pod.is_terminating and not self.with_terminating:
            return False
        return self.selector.matches(pod.labels)


class PodCounts:
    """Counts per row, for every kind that was asked for lately."""

    def __init__(self) -> None:
        self._by_kind: OrderedDict[Kind, array[int]] = OrderedDict()
        # Pods that are alike fall under the same kinds.
        self._kinds_of: dict[Hashable, tuple[array[int], ...]] = {}

    def of(self, kind: Kind, nodes: Iterable[NodeInfo]) -> array[int]:
        """The count for each row. Not to be kept: it changes, and views of it keep it from growing."""
        counts = self._by_kind.get(kind)
        if counts is None:
            counts = array("q", (sum(map(kind.includes, node.pods.values())) for node in nodes))
            self._by_kind[kind] = counts
            if len(self._by_kind) > _MAX_KINDS:
                self._by_kind.popitem(last=False)
            self._kinds_of.clear()
        self._by_kind.move_to_end(kind)
        return counts

    def add(self, pod: PodInfo, row: int, change: int) -> None:
        if self._by_kind and row >= 0:
            for counts in self._counts_with(pod):
                counts[row] += change

    def _counts_with(self, pod: PodInfo) -> tuple[array[int], ...]:
        key = (pod.namespace, frozenset(pod.labels.items()), pod.is_terminating, pod.spec)
        found = self._kinds_of.get(key)
        if found is None:
            if len(self._kinds_of) >= _MAX_REMEMBERED:
                self._kinds_of.clear()
            found = tuple(counts for kind, counts in self._by_kind.items() if kind.includes(pod))
            self._kinds_of[key] = found
        return found

    def append_row(self) -> None:
        for counts in self._by_kind.values():
            counts.append(0)

    def clear(self) -> None:
        """Forgets all, as rows have moved."""
        self._by_kind.clear()
        self._kinds_of.clear()
