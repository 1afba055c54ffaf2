"""Histograms that are cheap to fill."""

from __future__ import annotations

from component_base.metrics import Tally


def test_a_tally_counts_what_is_up_to_each_bound() -> None:
    tally, other = Tally((1, 2.5)), Tally((1, 2.5))
    for value in (0.5, 1, 2, 9):
        tally.observe(value)
    other.observe(2)
    tally.add(other)
    assert (tally.count, tally.total) == (5, 14.5)
    assert tally.cumulative() == [("1.0", 2), ("2.5", 4), ("+Inf", 5)]
