"""How the server's seats are shared out among priority levels, and lent. Pure.

Source: pkg/util/flowcontrol/apf_controller.go and conc_alloc.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

from apimachinery.objects import Object

_STEPS = 100
_LEAST = 0.001


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a level, in seats: what it may have, what is left when it lends, what it has when it borrows."""

    nominal: int
    lower: int
    upper: int
    is_exempt: bool = False


@dataclass(frozen=True, slots=True)
class Wish:
    """What a level has been seen to want: the peak of the last period, and smoothed over many."""

    peak: int = 0
    smoothed: float = 0.0


@dataclass(frozen=True, slots=True)
class Allotment:
    """What levels have for a period."""

    seats: Mapping[str, int]
    targets: Mapping[str, float]
    """What each level should have, of those that have a limit."""
    fair_part: float = 0.0
    """The part of its target that each level gets if its bounds let it; 0 where there is not enough."""


def nominal_limits(specs: Mapping[str, Object], seats: int) -> dict[str, Limits]:
    """By level, from the specs of PriorityLevelConfigurations."""
    total = sum(_shares(spec) for spec in specs.values()) or 1
    return {name: _limits(spec, ceil(seats * _shares(spec) / total), seats) for name, spec in specs.items()}


def _section(spec: Object) -> Object:
    section: Object = spec.get("exempt" if spec.get("type") == "Exempt" else "limited") or {}
    return section


def _shares(spec: Object) -> int:
    default = 0 if spec.get("type") == "Exempt" else 30
    return int(_section(spec).get("nominalConcurrencyShares", default))


def _limits(spec: Object, nominal: int, seats: int) -> Limits:
    section = _section(spec)
    lendable = _rounded(nominal * (section.get("lendablePercent") or 0) / 100)
    borrowing = section.get("borrowingLimitPercent")
    borrowable = seats if borrowing is None else _rounded(nominal * borrowing / 100)
    return Limits(nominal, nominal - lendable, nominal + borrowable, spec.get("type") == "Exempt")


def _rounded(value: float) -> int:
    """Halves away from zero."""
    return floor(value + 0.5)


def allot(limits: Mapping[str, Limits], wishes: Mapping[str, Wish]) -> Allotment:
    """For the next period: who wants little lends to who wants more."""
    everything = sum(each.nominal for each in limits.values())
    exempt = {name: max(each.lower, wishes[name].peak) for name, each in limits.items() if each.is_exempt}
    limited = {name: each for name, each in limits.items() if not each.is_exempt}
    floors = {name: max(each.lower, min(each.nominal, wishes[name].peak)) for name, each in limited.items()}
    targets = {name: max(least, wishes[name].smoothed) for name, least in floors.items()}
    left = everything - sum(exempt.values())
    lowest, wanted = sum(each.lower for each in limited.values()), sum(floors.values())
    if left <= lowest:
        return Allotment(exempt | {name: each.lower for name, each in limited.items()}, targets)
    if left <= wanted:
        part = (left - lowest) / (wanted - lowest)
        shares = {
            name: each.lower + _rounded((floors[name] - each.lower) * part) for name, each in limited.items()
        }
        return Allotment(exempt | shares, targets)
    shares, fair_part = _in_proportion(everything, limited, floors, targets)
    return Allotment(exempt | shares, targets, fair_part)


def _in_proportion(
    everything: int, limited: Mapping[str, Limits], floors: Mapping[str, int], targets: Mapping[str, float]
) -> tuple[dict[str, int], float]:
    """The same multiple of its target for each, within its bounds, so that the sum is right; and which."""
    wanted = {name: max(target, _LEAST) for name, target in targets.items()}

    def shares(multiple: float) -> dict[str, float]:
        return {
            name: min(max(multiple * wanted[name], floors[name]), max(each.upper, floors[name]))
            for name, each in limited.items()
        }

    low, high = 0.0, everything / min(wanted.values())
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(shares(middle).values()) < everything else (low, middle)
    return {name: _rounded(value) for name, value in shares(high).items()}, high
