"""The arithmetic of a rollout: how large each ReplicaSet of a Deployment should be next. Pure.

Source of the rules: pkg/controller/deployment/{rolling,sync}.go and util/deployment_util.go.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object, annotations_of, get_path, name_of
from apimachinery.well_known import DESIRED_REPLICAS, MAX_REPLICAS
from controller_manager.deployment_history import by_age, revision_of
from controller_manager.scaled_values import scaled_value


@dataclass(frozen=True, slots=True)
class Scale:
    """One ReplicaSet is to have so many replicas."""

    replica_set: Object
    replicas: int

    def __repr__(self) -> str:
        return f"{name_of(self.replica_set)}:{size(self.replica_set)}->{self.replicas}"


def size(replica_set: Object | None) -> int:
    """spec.replicas."""
    return int(get_path(replica_set, "spec.replicas", 0))


def available(replica_set: Object | None) -> int:
    return int(get_path(replica_set, "status.availableReplicas", 0))


def staying(replica_set: Object) -> int:
    """Available pods that are to stay: a set that was just made smaller still tells of the others, too.

    Upstream counts those, and takes more away than it may when a ReplicaSet lags.
    """
    return min(available(replica_set), size(replica_set))


def total(sets: Iterable[Object]) -> int:
    return sum(size(each) for each in sets)


def is_rolling(deployment: Object) -> bool:
    return bool(get_path(deployment, "spec.strategy.type", "RollingUpdate") == "RollingUpdate")


def max_surge(deployment: Object) -> int:
    """How many pods beyond spec.replicas there may be."""
    return _fence_posts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Object) -> int:
    """How many of spec.replicas may be unavailable."""
    replicas = size(deployment)
    if not is_rolling(deployment) or not replicas:
        return 0
    return min(_fence_posts(deployment)[1], replicas)


def _fence_posts(deployment: Object) -> tuple[int, int]:
    """Surge rounded up, unavailable down; with both zero nothing would move, so one may be unavailable."""
    rolling = get_path(deployment, "spec.strategy.rollingUpdate", {})
    replicas = size(deployment)
    surge = scaled_value(rolling.get("maxSurge", 0), replicas, up=True)
    unavailable = scaled_value(rolling.get("maxUnavailable", 0), replicas, up=False)
    return surge, unavailable or int(surge == 0)


def max_replicas(deployment: Object) -> int:
    return size(deployment) + max_surge(deployment)


def active(sets: Iterable[Object]) -> list[Object]:
    """ReplicaSets that want pods."""
    return [each for each in sets if size(each) > 0]


def new_size(deployment: Object, sets: Sequence[Object], new: Object | None) -> int:
    """The next size of the new ReplicaSet; `sets` are all of them, the new one included if it exists."""
    wanted, now = size(deployment), size(new)
    if not is_rolling(deployment) or now > wanted:
        return wanted
    room = max_replicas(deployment) - total(sets)
    return now + min(room, wanted - now) if room > 0 else now


def plan_down(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    """Which old ReplicaSets may shrink now: pods that are not available anyway, then as many as are spare."""
    running = active(by_age(old))
    minimum = size(deployment) - max_unavailable(deployment)
    new_unavailable = size(new) - staying(new)
    most = total(running) + size(new) - minimum - new_unavailable
    if not running or most <= 0:
        return []
    sizes = {name_of(each): size(each) for each in running}
    _drop_unhealthy(running, sizes, most)
    _drop_spare(running, sizes, sum(map(staying, [*old, new])) - minimum)
    return [Scale(each, sizes[name_of(each)]) for each in running if sizes[name_of(each)] != size(each)]


def _drop_unhealthy(running: Sequence[Object], sizes: dict[str, int], most: int) -> None:
    for each in running:
        count = min(most, max(size(each) - available(each), 0))
        sizes[name_of(each)] -= count
        most -= count


def _drop_spare(running: Sequence[Object], sizes: dict[str, int], spare: int) -> None:
    for each in running:
        count = min(max(spare, 0), sizes[name_of(each)])
        sizes[name_of(each)] -= count
        spare -= count


def is_scaling(deployment: Object, sets: Iterable[Object]) -> bool:
    """Whether spec.replicas changed since the ReplicaSets were sized."""
    desired = [annotations_of(each).get(DESIRED_REPLICAS) for each in active(sets)]
    return any(text is not None and text != str(size(deployment)) for text in desired)


def plan_scaling(deployment: Object, new: Object | None, old: Sequence[Object]) -> list[Scale]:
    """Sizes after a change of spec.replicas or while paused; amid a rollout all grow in proportion."""
    wanted = size(deployment)
    everything = [*old, *([new] if new else [])]
    only = _only_active(new, old)
    if only is not None:
        return [Scale(only, wanted)]
    if new is not None and _is_saturated(deployment, new):
        return [Scale(each, 0) for each in active(old)]
    if not is_rolling(deployment):
        return []
    return _in_proportion(deployment, active(everything))


def _only_active(new: Object | None, old: Sequence[Object]) -> Object | None:
    """The one that wants pods, or if none does the new one or else the latest; None if several do."""
    running = active([*old, *([new] if new else [])])
    if len(running) > 1:
        return None
    if running:
        return running[0]
    return new or max(old, key=revision_of, default=None)


def _is_saturated(deployment: Object, new: Object) -> bool:
    wanted = size(deployment)
    desired = annotations_of(new).get(DESIRED_REPLICAS)
    return size(new) == wanted and available(new) == wanted and desired == str(wanted)


def _in_proportion(deployment: Object, sets: Sequence[Object]) -> list[Scale]:
    """Spreads what is to be added or taken over the ReplicaSets by size; the largest gets the rest."""
    allowed = max_replicas(deployment) if size(deployment) else 0
    to_add = allowed - total(sets)
    ordered = by_age(sets)
    if to_add > 0:  # among equals the newer one grows first, the older one shrinks first
        ordered.reverse()
    ordered.sort(key=size, reverse=True)
    sizes, added = [], 0
    for each in ordered:
        share = _proportion(deployment, each, to_add, added)
        sizes.append(size(each) + share)
        added += share
    if sizes:
        sizes[0] = max(sizes[0] + to_add - added, 0)
    return [Scale(each, replicas) for each, replicas in zip(ordered, sizes, strict=True)]


def _proportion(deployment: Object, replica_set: Object, to_add: int, added: int) -> int:
    left = to_add - added
    if not to_add or not left:
        return 0
    share = _fraction(deployment, replica_set)
    return min(share, left) if to_add > 0 else max(share, left)


def _fraction(deployment: Object, replica_set: Object) -> int:
    """How much the ReplicaSet changes, if it keeps its share of the whole."""
    if not size(deployment):
        return -size(replica_set)
    text = annotations_of(replica_set).get(MAX_REPLICAS, "")
    before = int(text) if text.isdigit() and int(text) else int(get_path(deployment, "status.replicas", 0))
    if not before:
        return 0
    return math.floor(size(replica_set) * max_replicas(deployment) / before + 0.5) - size(replica_set)
