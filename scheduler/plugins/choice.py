"""Which plugins run at which extension point, and how much their scores count.

A plugin enabled at multiPoint runs at every point that it has something for, unless the point says otherwise.
Source: mergePlugins and expandMultiPointPlugins of Kubernetes 1.34. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduler.config import ConfigError
from scheduler.config_shape import POINTS

Choices = dict[str, int]
"""Plugins in order, with the weight that is given; 0 for none."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """`points`: extension point -> plugins in order. `weights` are those of plugins that score."""

    points: Mapping[str, tuple[str, ...]]
    weights: Mapping[str, int]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for plugins in self.points.values() for name in plugins)


def choose(
    profile: str, plugins: Mapping[str, Any], defaults: Choices, points_of: Mapping[str, frozenset[str]]
) -> Chosen:
    """`defaults` are multiPoint; `points_of`: what each plugin that there is has something for.

    Raises ConfigError.
    """
    try:
        everywhere = _with_defaults(plugins.get("multiPoint") or {}, defaults)
        points = {point: _at(point, plugins.get(point) or {}, everywhere, points_of) for point in POINTS}
        _check_required(profile, points)
    except ConfigError as error:
        raise ConfigError(
            f"initializing profiles: creating profile for scheduler name {profile}: {error}"
        ) from None
    scoring = _enabled(plugins.get("score") or {})
    weights = {name: scoring.get(name, everywhere.get(name, 0)) or 1 for name in points["score"]}
    return Chosen(points, weights)


def _with_defaults(chosen: Mapping[str, Any], defaults: Choices) -> Choices:
    """Defaults keep their places, also where the file gives them another weight."""
    enabled, disabled = _enabled(chosen), _disabled(chosen)
    kept = {name: weight for name, weight in defaults.items() if not disabled & {name, "*"}}
    return {name: enabled.get(name, weight) for name, weight in kept.items()} | enabled


def _at(
    point: str, chosen: Mapping[str, Any], everywhere: Iterable[str], points_of: Mapping[str, frozenset[str]]
) -> tuple[str, ...]:
    """First what the point says itself of plugins that run everywhere, then these, then what it adds."""
    kind = f"{point[0].upper()}{point[1:]}Plugin"
    own, disabled = list(_enabled(chosen, kind)), _disabled(chosen)
    for name in own:
        if point not in _known(name, kind, points_of):
            raise ConfigError(f'plugin "{name}" does not extend {kind} plugin')
    if "*" in disabled:
        return tuple(own)
    general = [name for name in everywhere if point in _known(name, kind, points_of) and name not in disabled]
    explicit = [name for name in own if name in general]
    others = [name for name in general if name not in own]
    return (*explicit, *others, *(name for name in own if name not in general))


def _known(name: str, kind: str, points_of: Mapping[str, frozenset[str]]) -> frozenset[str]:
    if name not in points_of:
        raise ConfigError(f'{kind} "{name}" does not exist')
    return points_of[name]


def _enabled(chosen: Mapping[str, Any], kind: str = "") -> Choices:
    """Raises ConfigError where one is named twice."""
    entries: Sequence[Mapping[str, Any]] = chosen.get("enabled") or ()
    found: Choices = {}
    for each in entries:
        name = each.get("name", "")
        if kind and name in found:
            raise ConfigError(f'plugin "{name}" already registered as "{kind}"')
        found[name] = each.get("weight") or 0
    return found


def _disabled(chosen: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(each.get("name", "") for each in chosen.get("disabled") or ())


def _check_required(profile: str, points: Mapping[str, Sequence[str]]) -> None:
    """Somebody has to say who is next, and somebody to bind."""
    sorting = len(points["queueSort"])
    if sorting != 1:
        raise ConfigError(
            f'only one queue sort plugin required for profile with scheduler name "{profile}", '
            f"but got {sorting}"
        )
    if not points["bind"]:
        raise ConfigError(f'at least one bind plugin is needed for profile with scheduler name "{profile}"')
