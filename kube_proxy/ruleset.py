"""Ruleset: the whole of the proxy's packet rules as a value, and what has to change from one to another.

Chains hold rules, maps lead from destinations to verdicts, sets hold addresses. Nothing here knows what the
rules are for, or how they reach the kernel; iptables has neither maps nor sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

Key = str
Verdict = str
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain. `hook` is set for those that packets enter by themselves."""

    rules: tuple[str, ...] = ()
    hook: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """An entry of a map: a verdict, and for whom it is made."""

    verdict: Verdict
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Map:
    type: str
    comment: str = ""
    elements: Mapping[Key, Element] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Set:
    """A set. With a timeout, packets fill it and its elements are not ours."""

    type: str
    comment: str = ""
    timeout_seconds: int = 0
    elements: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ruleset:
    chains: Mapping[str, Chain] = field(default_factory=dict)
    maps: Mapping[str, Map] = field(default_factory=dict)
    sets: Mapping[str, Set] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """The part of a ruleset that one service port makes: chains and sets of its own, entries in others."""

    chains: Mapping[str, Chain]
    sets: Mapping[str, Set] = field(default_factory=dict)
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # chain -> more rules
    elements: Mapping[str, Mapping[Key, Element]] = field(default_factory=dict)  # map -> more elements
    members: Mapping[str, frozenset[Key]] = field(default_factory=dict)  # set -> more elements


def join(base: Ruleset, fragments: Iterable[Fragment]) -> Ruleset:
    """One ruleset of all. A destination that two ports claim stays with the first.

    The rules of fragments go before those of the base, which are for what they leave.
    """
    chains, sets = dict(base.chains), dict(base.sets)
    rules: dict[str, list[str]] = {}
    elements: dict[str, dict[Key, Element]] = {name: {} for name in base.maps}
    members: dict[str, set[Key]] = {}
    for fragment in fragments:
        chains.update(fragment.chains)
        sets.update(fragment.sets)
        for name, more in fragment.rules.items():
            rules.setdefault(name, []).extend(more)
        for name, added in fragment.elements.items():
            known = elements[name]
            for key, element in added.items():
                known.setdefault(key, element)
        for name, keys in fragment.members.items():
            members.setdefault(name, set()).update(keys)
    for name, before in rules.items():
        chains[name] = replace(chains[name], rules=(*before, *chains[name].rules))
    for name, ours in members.items():
        sets[name] = replace(sets[name], elements=sets[name].elements | ours)
    maps = {name: replace(each, elements=elements[name]) for name, each in base.maps.items()}
    return Ruleset(chains, maps, sets)


@dataclass(frozen=True, slots=True)
class Changes:
    """What leads from one ruleset to another, in terms of names and elements."""

    new_chains: tuple[str, ...] = ()
    rewritten_chains: tuple[str, ...] = ()  # among them the new ones that have rules
    gone_chains: tuple[str, ...] = ()
    new_maps: tuple[str, ...] = ()
    new_sets: tuple[str, ...] = ()
    gone_sets: tuple[str, ...] = ()
    removed: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)  # map or set -> keys
    added: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return self == NO_CHANGES


NO_CHANGES = Changes()


def compare(old: Ruleset, new: Ruleset) -> Changes:
    """Maps are never dropped: there is a fixed number of them."""
    removed: dict[str, tuple[Key, ...]] = {}
    added: dict[str, tuple[Key, ...]] = {}
    for name, new_map in new.maps.items():
        before = old.maps[name].elements if name in old.maps else {}
        _compare_elements(name, before, new_map.elements, removed, added)
    for name, new_set in new.sets.items():
        was = old.sets[name].elements if name in old.sets else frozenset()
        _compare_elements(
            name, dict.fromkeys(sorted(was)), dict.fromkeys(sorted(new_set.elements)), removed, added
        )
    changed_sets = [
        name for name in new.sets if name in old.sets and _differs(old.sets[name], new.sets[name])
    ]
    used = tuple(f"@{name} " for name in changed_sets)
    return Changes(
        new_chains=_only_in(new.chains, old.chains),
        rewritten_chains=tuple(
            name
            for name, chain in new.chains.items()
            if chain.rules != (old.chains[name].rules if name in old.chains else ())
            or (used and any(name in rule for rule in chain.rules for name in used))
        ),
        gone_chains=_only_in(old.chains, new.chains),
        new_maps=_only_in(new.maps, old.maps),
        new_sets=(*_only_in(new.sets, old.sets), *changed_sets),
        gone_sets=(*_only_in(old.sets, new.sets), *changed_sets),
        removed=removed,
        added=added,
    )


def _differs(old: Set, new: Set) -> bool:
    """A set can't be changed, only made anew, when it is more than its elements that changes."""
    return (old.type, old.timeout_seconds) != (new.type, new.timeout_seconds)


def _only_in(some: Mapping[str, object], others: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(name for name in some if name not in others)


def _compare_elements(
    name: str,
    old: Mapping[Key, T],
    new: Mapping[Key, T],
    removed: dict[str, tuple[Key, ...]],
    added: dict[str, tuple[Key, ...]],
) -> None:
    """An element with another verdict is removed and added."""
    if gone := tuple(key for key, value in old.items() if key not in new or new[key] != value):
        removed[name] = gone
    if come := tuple(key for key, value in new.items() if key not in old or old[key] != value):
        added[name] = come
