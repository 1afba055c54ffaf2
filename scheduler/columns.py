"""Columns: all nodes at once, as numpy arrays. What `selection.py` does node by node, for clusters with many.

Imported only when there are many nodes, as numpy costs memory. Answers are equal to the loop's, which a test
holds us to. Whatever depends on Node objects alone is computed once per placement and remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apimachinery.well_known import REGION, ZONE
from scheduler.cache import Cache
from scheduler.framework.interface import SKIP, FilterPlugin, States
from scheduler.framework.normalize import normalize, normalize_columns
from scheduler.framework.profile import Profile
from scheduler.node_info import NodeInfo
from scheduler.pod_counts import Kind
from scheduler.pod_info import PodInfo
from scheduler.resources import CPU, MEMORY

IntArray = NDArray[np.int64]
Mask = NDArray[np.bool_]

_MAX_REMEMBERED = 512


class Columns:
    """Arrays with one entry a node, brought up to date from what the cache says has changed."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.pods: IntArray = self.array(())
        self.allowed_pods: IntArray = self.array(())
        self._free: dict[str, IntArray] = {}
        self._allocatable: dict[str, IntArray] = {}
        self._capacity: dict[str, IntArray] = {}
        self._assumed: dict[str, IntArray] = {}
        self._layout = -1
        self._by_placement: OrderedDict[Hashable, _Remembered] = OrderedDict()
        self._values: dict[Hashable, tuple[Hashable, Any]] = {}

    @staticmethod
    def array(values: Sequence[int]) -> IntArray:
        return np.array(values, dtype=np.int64)

    def free(self, resource: str) -> IntArray:
        if resource not in self._free:
            self._add_resource(resource)
        return self._free[resource]

    def allocatable(self, resource: str) -> IntArray:
        if resource not in self._allocatable:
            self._add_resource(resource)
        return self._allocatable[resource]

    def capacity(self, resource: str) -> IntArray:
        """Allocatable, but at least 1, to divide by."""
        if resource not in self._capacity:
            self._add_resource(resource)
        return self._capacity[resource]

    def assumed(self, resource: str) -> IntArray:
        return self._assumed[resource]

    def is_named(self, name: str) -> Mask:
        return np.array([node.name == name for node in self.cache.nodes], dtype=np.bool_)

    def counts(self, kind: Kind) -> IntArray:
        return np.array(self.cache.counts(kind), dtype=np.int64)

    def domains(self, topology_key: str) -> tuple[IntArray, int]:
        """For each node the number of its topology domain, and how many there are. Without the label: -1."""
        found: tuple[IntArray, int] = self.of_nodes(
            ("domains", topology_key), lambda: self._number_domains(topology_key)
        )
        return found

    def of_nodes(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """A value that holds until a Node object changes."""
        return self.remembered(key, (self._layout, len(self.cache.changed_facts)), compute)

    def _number_domains(self, topology_key: str) -> tuple[IntArray, int]:
        numbers: dict[str, int] = {}
        values = (node.labels.get(topology_key) for node in self.cache.nodes)
        ids = [-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values]
        return self.array(ids), len(numbers)

    @staticmethod
    def sum_by(ids: IntArray, values: IntArray, size: int) -> IntArray:
        """The sum of the values of each domain. Those of no domain (-1) are added up at the end."""
        return np.bincount(ids % (size + 1), weights=values, minlength=size + 1).astype(np.int64)

    def sum_of_domain(self, topology_key: str, kind: Kind) -> IntArray:
        """For each node the number of such pods in its domain; 0 where it is in none."""
        ids, size = self.domains(topology_key)
        return self.sum_by(ids, self.counts(kind), size)[ids] * (ids >= 0)

    @staticmethod
    def distinct(ids: IntArray) -> int:
        return len(np.unique(ids))

    def remembered(self, key: Hashable, version: Hashable, compute: Callable[[], Any]) -> Any:
        """A value that holds as long as `version` does."""
        known = self._values.get(key)
        if known is None or known[0] != version:
            if len(self._values) >= _MAX_REMEMBERED:
                self._values.clear()
            known = self._values[key] = (version, compute())
        return known[1]

    # Keeping up with the cache

    def refresh(self) -> None:
        cache = self.cache
        if self._layout != cache.layout_version:
            self._rebuild()
        else:
            for row in cache.changed_rows:
                if row >= 0:
                    self._copy_row(row)
        cache.changed_rows.clear()

    def _rebuild(self) -> None:
        nodes = self.cache.nodes
        self._layout = self.cache.layout_version
        self._by_placement.clear()
        self.cache.changed_facts.clear()
        self.pods = self.array([len(node.pods) for node in nodes])
        self.allowed_pods = self.array([node.allowed_pods for node in nodes])
        for resource in {CPU, MEMORY, *self._free}:
            self._add_resource(resource)
        for resource in (CPU, MEMORY):
            self._assumed[resource] = self.array([node.assumed_requested[resource] for node in nodes])

    def _add_resource(self, name: str) -> None:
        nodes = self.cache.nodes
        self._allocatable[name] = self.array([node.allocatable.get(name, 0) for node in nodes])
        self._capacity[name] = self._allocatable[name].clip(1)
        self._free[name] = self._allocatable[name] - self.array(
            [node.requested.get(name, 0) for node in nodes]
        )

    def _copy_row(self, row: int) -> None:
        node = self.cache.nodes[row]
        allocatable, requested = node.allocatable, node.requested
        self.pods[row] = len(node.pods)
        self.allowed_pods[row] = node.allowed_pods
        for name, free in self._free.items():
            total = allocatable.get(name, 0)
            self._allocatable[name][row] = total
            self._capacity[name][row] = max(total, 1)
            free[row] = total - requested.get(name, 0)
        for name, assumed in self._assumed.items():
            assumed[row] = node.assumed_requested[name]

    # Filters and scores

    def fitting(self, pod: PodInfo, profile: Profile, states: States) -> IntArray:
        """The rows of all nodes that every filter lets pass."""
        mask = self._static(pod, profile).mask
        for plugin, filter_columns in profile.dynamic_filters:
            state = states.get(plugin.name)
            if state is SKIP:
                continue
            if filter_columns is not None:
                mask = filter_columns(pod, self, mask)
            else:
                mask = self._one_by_one(pod, plugin, state, mask)
        return np.flatnonzero(mask)

    def _one_by_one(self, pod: PodInfo, plugin: FilterPlugin, state: Any, mask: Mask) -> Mask:
        mask, nodes = mask.copy(), self.cache.nodes
        for row in np.flatnonzero(mask):
            if plugin.filter(pod, nodes[row], state) is not None:
                mask[row] = False
        return mask

    def scores(self, pod: PodInfo, profile: Profile, rows: IntArray) -> IntArray:
        """The weighted sum of all scores for these rows."""
        total = np.zeros(len(rows), dtype=np.int64)
        known = self._static(pod, profile)
        for plugin, weight, pre_score, score_columns in profile.scorers:
            raw: IntArray | None
            if plugin.is_static:
                if plugin.name not in known.telling:
                    total += weight * normalize(plugin.normalize, [0])[0]
                    continue
                raw = known.scores[plugin.name][rows]
            elif score_columns is not None:
                raw = score_columns(pod, self, rows)
            else:
                nodes = [self.cache.nodes[row] for row in rows.tolist()]
                state = pre_score(pod, self.cache, nodes) if pre_score else None
                if state is SKIP:
                    continue
                raw = self.array([plugin.score(pod, node, state) for node in nodes])
            if raw is not None:
                total += weight * normalize_columns(plugin.normalize, raw)
        return total

    def some(self, rows: IntArray, start: int, number: int) -> tuple[IntArray, int]:
        """So many of the rows, taking turns from `start` on and coming round, and whose turn is next."""
        if len(rows) <= number:
            return rows, start
        wanted = np.zeros(len(self.cache.nodes), dtype=np.bool_)
        wanted[rows] = True
        order: IntArray = self.of_nodes("order", self._zone_by_zone)
        turns = np.flatnonzero(wanted[order])
        first = int(turns.searchsorted(start))
        turns = np.concatenate((turns[first:], turns[:first]))[:number]
        return order[turns], int(turns[-1]) + 1

    def _zone_by_zone(self) -> IntArray:
        """All rows, one of each zone in turn, so that a part of them is of all zones alike."""
        zones: dict[tuple[str | None, str | None], list[int]] = {}
        for node in self.cache.nodes:
            zones.setdefault((node.labels.get(REGION), node.labels.get(ZONE)), []).append(node.row)
        return self.array([row for turn in zip_longest(*zones.values()) for row in turn if row is not None])

    # What depends on Node objects alone

    def _static(self, pod: PodInfo, profile: Profile) -> _Remembered:
        key = (profile.name, pod.spec.placement)
        known = self._by_placement.get(key)
        changed = self.cache.changed_facts
        if known is None:
            known = self._by_placement[key] = _Remembered.of(profile, len(self.cache.nodes))
            rows: Sequence[int] = range(len(self.cache.nodes))
            if len(self._by_placement) > _MAX_REMEMBERED:
                self._by_placement.popitem(last=False)
        else:
            rows = changed[known.seen :]
        known.seen = len(changed)
        for row in rows:
            known.look_at(pod, profile, self.cache.nodes[row])
        self._by_placement.move_to_end(key)
        return known


@dataclass(slots=True)
class _Remembered:
    """The static plugins' answers for one placement.

    `telling`: the plugins whose scores are not all 0. `seen`: how many changes of nodes were taken in.
    """

    mask: Mask
    scores: dict[str, IntArray]
    telling: set[str] = field(default_factory=set)
    seen: int = 0

    @staticmethod
    def of(profile: Profile, size: int) -> _Remembered:
        scores = {
            scorer.plugin.name: np.zeros(size, dtype=np.int64)
            for scorer in profile.scorers
            if scorer.plugin.is_static
        }
        return _Remembered(np.zeros(size, dtype=np.bool_), scores)

    def look_at(self, pod: PodInfo, profile: Profile, node: NodeInfo) -> None:
        self.mask[node.row] = all(plugin.filter(pod, node, None) is None for plugin in profile.static_filters)
        for plugin, *_ in profile.scorers:
            scores = self.scores.get(plugin.name)
            if scores is not None:
                scores[node.row] = score = plugin.score(pod, node, None)
                if score:
                    self.telling.add(plugin.name)
