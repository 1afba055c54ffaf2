"""From what metrics ask for to what is done: never too much, too fast, or back and forth. Pure.

Source: normalizeDesiredReplicas and normalizeDesiredReplicasWithBehaviors in
pkg/controller/podautoscaler/horizontal.go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from apimachinery.objects import Object
from controller_manager.horizontal_pod_autoscaler.history import History
from controller_manager.horizontal_pod_autoscaler.settings import Settings

Note = tuple[str, str]
"""Reason and message of a condition."""

READY: Note = ("ReadyForNewScale", "recommended size matches current size")
_DOWN_STABILIZED: Note = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
_UP_STABILIZED: Note = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)
_WITHIN: Note = ("DesiredWithinRange", "the desired count is within the acceptable range")
_TOO_FEW: Note = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_TOO_MANY: Note = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_TOO_FAST_UP: Note = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
)
_TOO_FAST_DOWN: Note = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
)
_FASTEST_FACTOR, _FASTEST_MINIMUM = 2, 4


class Bounds(NamedTuple):
    minimum: int
    maximum: int


class Normalized(NamedTuple):
    replicas: int
    able: Note
    """AbleToScale, which is True."""
    limited: Note
    """ScalingLimited."""
    is_limited: bool


def bounds_of(autoscaler: Object) -> Bounds:
    spec = autoscaler["spec"]
    lowest = spec.get("minReplicas")
    return Bounds(1 if lowest is None else lowest, spec["maxReplicas"])


def normalize(
    autoscaler: Object, current: int, proposed: int, history: History, settings: Settings, now: datetime
) -> Normalized:
    """Notes in the history what was proposed."""
    bounds, behavior = bounds_of(autoscaler), autoscaler["spec"].get("behavior")
    if behavior is None:
        stable, able = _stabilized_downwards(proposed, history, settings, now)
        history.recommend(proposed, now)
        wanted, limited = _within_rules(current, stable, bounds)
    else:
        up, down = behavior.get("scaleUp") or {}, behavior.get("scaleDown") or {}
        window = _window(down, settings.downscale_stabilization)
        stable = _stabilized(current, proposed, history, now, up=_window(up, 0), down=window)
        able = _UP_STABILIZED if proposed >= current else _DOWN_STABILIZED
        history.recommend(proposed, now)
        wanted, limited = _within_behavior(current, stable, bounds, history, now, up=up, down=down)
    return Normalized(wanted, READY if stable == proposed else able, limited, wanted != stable)


def _stabilized_downwards(
    proposed: int, history: History, settings: Settings, now: datetime
) -> tuple[int, Note]:
    since = now - timedelta(seconds=settings.downscale_stabilization)
    return max(proposed, *history.since(since), 0), _DOWN_STABILIZED


def _within_rules(current: int, desired: int, bounds: Bounds) -> tuple[int, Note]:
    """Without a behavior: at most twice as many, or four."""
    fastest = max(_FASTEST_FACTOR * current, _FASTEST_MINIMUM)
    most, note = (fastest, _TOO_FAST_UP) if bounds.maximum > fastest else (bounds.maximum, _TOO_MANY)
    if desired < bounds.minimum:
        return bounds.minimum, _TOO_FEW
    return (most, note) if desired > most else (desired, _WITHIN)


def _window(rules: Object, default: float) -> timedelta:
    seconds = rules.get("stabilizationWindowSeconds")
    return timedelta(seconds=default if seconds is None else seconds)


def _stabilized(
    current: int, proposed: int, history: History, now: datetime, *, up: timedelta, down: timedelta
) -> int:
    """Up only as far as was recommended all the time, down only as far as was, too."""
    lowest = min([proposed, *history.since(now - up)])
    highest = max([proposed, *history.since(now - down)])
    return min(max(current, lowest), highest)


def _within_behavior(
    current: int,
    desired: int,
    bounds: Bounds,
    history: History,
    now: datetime,
    *,
    up: Object,
    down: Object,
) -> tuple[int, Note]:
    if desired > current:
        fastest = max(_limit(current, up, history, now, sign=1), current)
        most, note = (fastest, _TOO_FAST_UP) if bounds.maximum > fastest else (bounds.maximum, _TOO_MANY)
        if desired > most:
            return most, note
    elif desired < current:
        fastest = min(_limit(current, down, history, now, sign=-1), current)
        least, note = (fastest, _TOO_FAST_DOWN) if bounds.minimum < fastest else (bounds.minimum, _TOO_FEW)
        if desired < least:
            return least, note
    return desired, _WITHIN


def _limit(current: int, rules: Object, history: History, now: datetime, *, sign: int) -> int:
    """As far as the policies let it go: upwards for `sign` 1, downwards for -1."""
    choice = rules.get("selectPolicy") or "Max"
    if choice == "Disabled":
        return current
    farthest = max if (sign > 0) == (choice == "Max") else min
    return farthest(_proposals(current, rules, history, now, sign=sign), default=current)


def _proposals(current: int, rules: Object, history: History, now: datetime, *, sign: int) -> Iterator[int]:
    """Each policy counts from the replicas there were when its period began."""
    for policy in rules.get("policies") or ():
        began = now - timedelta(seconds=policy["periodSeconds"])
        start = current - history.changed_since(began)
        if policy["type"] == "Pods":
            yield start + sign * policy["value"]
        elif sign > 0:
            yield math.ceil(start * (1 + policy["value"] / 100))
        else:
            yield int(start * (1 - policy["value"] / 100))
