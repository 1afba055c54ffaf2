"""Upstream's figures and our targets, as data.

Recorded with `apiload.go` from Kubernetes 1.20.2 on one machine with two cores, medians of three runs.
Absolute figures move with the machine: a ratio means something only on a comparable and quiet one.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity. `target` bounds ours/upstream: from below if more is better, else from above."""

    name: str
    upstream: float
    unit: str
    target: float
    more_is_better: bool

    def holds(self, ratio: float) -> bool:
        return ratio >= self.target if self.more_is_better else ratio <= self.target


def _more(name: str, upstream: float, unit: str, target: float) -> Figure:
    return Figure(name, upstream, unit, target, True)


def _less(name: str, upstream: float, unit: str, target: float) -> Figure:
    return Figure(name, upstream, unit, target, False)


def _rates(operation: str, target: float, *rates: float) -> list[Figure]:
    levels = (1, 16, 64)
    return [
        _more(f"{operation} c={c} rate", rate, "ops/s", target) for c, rate in zip(levels, rates, strict=True)
    ]


FIGURES = {
    figure.name: figure
    for figure in [
        _less("start to node Ready", 12.8, "s", 0.6),
        _less("idle RSS", 647, "MiB", 0.55),
        _less("sampan get pods", 1, "x kubectl", 2),
        _less("RSS after load", 2034, "MiB", 0.4),
        *_rates("create", 0.8, 805, 1949, 2394),
        *_rates("get", 1.0, 1548, 4241, 3976),
        *_rates("put", 0.8, 763, 1807, 2162),
        *_rates("patch-merge", 0.8, 680, 1507, 1473),
        *_rates("delete", 0.8, 536, 1495, 2192),
        _more("list-full c=1 rate", 12.9, "ops/s", 3),
        _more("list-full c=8 rate", 16.3, "ops/s", 3),
        _more("list-rv0 c=1 rate", 17.6, "ops/s", 3),
        _more("list-rv0 c=8 rate", 34.5, "ops/s", 3),
        _more("list-limit500-walk c=1 rate", 12.3, "ops/s", 3),
        _more("list-limit500-walk c=8 rate", 18.5, "ops/s", 3),
        _more("events rate", 31463, "ev/s", 1),
        _less("lag (POST sent -> event read) p99", 10.5, "ms", 1),
        _less("ready p50", 810, "ms", 0.8),
        _less("all ready", 6700, "ms", 1),
        _less("deleted grace=1 p50", 9000, "ms", 0.3),
        _less("1 pods beside Docker", 1, "x Docker", 1.3),
        _less("30 pods beside Docker", 1, "x Docker", 1.3),
        _less("kubelet CPU, 110 pods", 1, "% CPU", 3),
        _more("bound, 100 nodes", 502, "pods/s", 2),
        _more("bound, 1000 nodes", 270, "pods/s", 2),
        _more("bound while created, 100 nodes", 236, "pods/s", 0.8),
        _more("Deployment of 1000, up", 1, "x creates", 0.2),
        _more("Deployment of 1000, down", 1, "x deletes", 0.2),
        _more("Job of 1000", 1, "x both", 0.2),
    ]
}
