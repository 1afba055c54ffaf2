"""From raw scores to 0..100, over all nodes that fit: for lists and for columns, with equal results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.framework.interface import MAX_NODE_SCORE, Normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from scheduler.columns import IntArray

# A raw score of Normalize.SPREAD for nodes that don't take part.
IGNORED = -1


def normalize(how: Normalize, raw: list[int]) -> list[int]:
    highest, lowest = max(raw), min(raw)
    match how:
        case Normalize.SCALE:
            return [MAX_NODE_SCORE * score // highest for score in raw] if highest else raw
        case Normalize.REVERSE:
            return [MAX_NODE_SCORE - (MAX_NODE_SCORE * score // highest if highest else 0) for score in raw]
        case Normalize.RANGE:
            span = highest - lowest
            return [int(MAX_NODE_SCORE * ((score - lowest) / span)) if span else 0 for score in raw]
        case Normalize.SPREAD:
            lowest = min((score for score in raw if score != IGNORED), default=0)
            return [_spread(score, highest, lowest) for score in raw]
    return raw


def _spread(score: int, highest: int, lowest: int) -> int:
    if score == IGNORED:
        return 0
    return MAX_NODE_SCORE * (highest + lowest - score) // highest if highest > 0 else MAX_NODE_SCORE


def normalize_columns(how: Normalize, raw: IntArray) -> IntArray:
    highest, lowest = int(raw.max()), int(raw.min())
    match how:
        case Normalize.SCALE:
            return MAX_NODE_SCORE * raw // highest if highest else raw
        case Normalize.REVERSE:
            return MAX_NODE_SCORE - (MAX_NODE_SCORE * raw // highest if highest else 0 * raw)
        case Normalize.RANGE:
            span = highest - lowest
            return _truncated(MAX_NODE_SCORE * ((raw - lowest) / span)) if span else 0 * raw
        case Normalize.SPREAD:
            counted = raw != IGNORED
            lowest = int(raw[counted].min()) if counted.any() else 0
            spread = MAX_NODE_SCORE * (highest + lowest - raw) // highest if highest > 0 else MAX_NODE_SCORE
            taking_part: IntArray = spread * counted
            return taking_part
    return raw


def _truncated(values: NDArray[np.float64]) -> IntArray:
    whole: IntArray = values.astype("int64")
    return whole
