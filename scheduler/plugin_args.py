"""What pluginConfig of a profile says to the plugins: the args of all of them, as one value.

Fields and their types are checked before, by `config_shape`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apimachinery import names
from apimachinery.field import FieldError, Path, duplicate, forbidden, invalid, not_supported, required
from apimachinery.node_selector import (
    NodeSelectorTerm,
    RequiredNodes,
    parse_preferred_nodes,
    parse_required_nodes,
)
from apimachinery.objects import Object
from scheduler.pod_info import SpreadConstraint, parse_spread
from scheduler.resources import CPU, MEMORY

Errors = Iterator[FieldError]
LEAST_ALLOCATED, MOST_ALLOCATED, REQUESTED_RATIO = (
    "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio",
)  # fmt: skip
_HARD = ("DoNotSchedule", "ScheduleAnyway")
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
CPU_AND_MEMORY = ((CPU, 1), (MEMORY, 1))

Weights = tuple[tuple[str, int], ...]
"""Resources, and how much each counts."""


@dataclass(frozen=True, slots=True)
class ScoringStrategy:
    """How NodeResourcesFit scores. `shape`: (utilization 0 to 100, score 0 to 10), of the ratio alone."""

    type: str = LEAST_ALLOCATED
    resources: Weights = CPU_AND_MEMORY
    shape: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class PluginArgs:
    # DefaultPreemption: how many nodes are tried at least.
    min_candidates_percent: int = 10
    min_candidates: int = 100
    # InterPodAffinity
    hard_affinity_weight: int = 1
    ignores_preferences_of_others: bool = False
    # NodeAffinity: what every pod asks of nodes besides its own wishes.
    added_nodes: RequiredNodes = field(default_factory=RequiredNodes)
    added_preferences: tuple[tuple[int, NodeSelectorTerm], ...] = ()
    # NodeResourcesBalancedAllocation
    balanced_resources: tuple[str, ...] = (CPU, MEMORY)
    # NodeResourcesFit
    ignored_resources: frozenset[str] = frozenset()
    ignored_groups: frozenset[str] = frozenset()
    scoring: ScoringStrategy = ScoringStrategy()
    # PodTopologySpread: None for the system's own.
    default_constraints: tuple[SpreadConstraint, ...] | None = None
    # VolumeBinding
    bind_seconds: float = 600.0


def parse_args(entries: Sequence[Object], path: Path) -> tuple[PluginArgs, list[FieldError]]:
    """Of the pluginConfig of a profile. Values that errors are told of are not to be used."""
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, entry in enumerate(entries):
        name, at = entry.get("name") or "", path.index(index)
        if name in seen:
            errors.append(duplicate(at, name))
        seen.add(name)
        if name in _PLUGINS:
            validate, parse = _PLUGINS[name]
            wrong = list(validate(entry.get("args") or {}, at.child("args")))
            errors += wrong
            found |= {} if wrong else parse(entry.get("args") or {})
    return replace(PluginArgs(), **found), errors


# DefaultPreemption


def _validate_preemption(args: Object, path: Path) -> Errors:
    percent, number = args.get("minCandidateNodesPercentage", 10), args.get("minCandidateNodesAbsolute", 100)
    percent_path, number_path = (
        path.child(f"minCandidateNodes{each}") for each in ("Percentage", "Absolute")
    )
    if not 0 <= percent <= 100:
        yield invalid(percent_path, percent, "not in valid range [0, 100]")
    if number < 0:
        yield invalid(number_path, number, "not in valid range [0, inf)")
    if percent == number == 0:
        text = "cannot be zero at the same time as "
        yield invalid(percent_path, 0, f"{text}minCandidateNodesAbsolute")
        yield invalid(number_path, 0, f"{text}minCandidateNodesPercentage")


def _preemption(args: Object) -> Mapping[str, Any]:
    return _given(
        args,
        minCandidateNodesPercentage="min_candidates_percent",
        minCandidateNodesAbsolute="min_candidates",
    )


# InterPodAffinity


def _validate_pod_affinity(args: Object, path: Path) -> Errors:
    weight = args.get("hardPodAffinityWeight", 1)
    if not 0 <= weight <= 100:
        yield invalid(path.child("hardPodAffinityWeight"), weight, "not in valid range [0, 100]")


def _pod_affinity(args: Object) -> Mapping[str, Any]:
    return _given(
        args,
        hardPodAffinityWeight="hard_affinity_weight",
        ignorePreferredTermsOfExistingPods="ignores_preferences_of_others",
    )


# NodeAffinity


def _validate_node_affinity(args: Object, path: Path) -> Errors:
    affinity, at = args.get("addedAffinity") or {}, path.child("addedAffinity")
    for index, term in enumerate((affinity.get(_REQUIRED) or {}).get("nodeSelectorTerms") or ()):
        yield from _node_term(term, at.child(_REQUIRED, "nodeSelectorTerms").index(index))
    for index, term in enumerate(affinity.get(_PREFERRED) or ()):
        yield from _node_term(term.get("preference") or {}, at.child(_PREFERRED).index(index))


def _node_term(term: Object, path: Path) -> Errors:
    for name, operators in (
        ("matchExpressions", ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
        ("matchFields", ("In", "NotIn")),
    ):
        for index, each in enumerate(term.get(name) or ()):
            if each.get("operator") not in operators:
                at = path.child(name).index(index).child("operator")
                yield not_supported(at, each.get("operator") or "", sorted(operators))


def _node_affinity(args: Object) -> Mapping[str, Any]:
    spec = {"affinity": {"nodeAffinity": args.get("addedAffinity")}}
    return {"added_nodes": parse_required_nodes(spec), "added_preferences": parse_preferred_nodes(spec)}


# NodeResourcesBalancedAllocation


def _validate_balanced(args: Object, path: Path) -> Errors:
    seen: set[str] = set()
    for index, (name, weight) in enumerate(_weights(args.get("resources"))):
        at = path.child("resources").index(index)
        if name in seen:
            yield duplicate(at.child("name"), name)
        seen.add(name)
        if weight != 1:
            yield invalid(at.child("weight"), weight, "must be 1")


def _balanced(args: Object) -> Mapping[str, Any]:
    return {"balanced_resources": tuple(name for name, _ in _weights(args.get("resources")))}


# NodeResourcesFit


def _validate_fit(args: Object, path: Path) -> Errors:
    for index, name in enumerate(args.get("ignoredResources") or ()):
        yield from _label_name(name, path.child("ignoredResources").index(index))
    for index, group in enumerate(args.get("ignoredResourceGroups") or ()):
        at = path.child("ignoredResourceGroups").index(index)
        if "/" in group:
            yield invalid(at, group, "resource group name can't contain '/'")
        yield from _label_name(group, at)
    yield from _validate_strategy(args.get("scoringStrategy") or {}, path.child("scoringStrategy"))


def _validate_strategy(strategy: Object, path: Path) -> Errors:
    kind, known = strategy.get("type", LEAST_ALLOCATED), (LEAST_ALLOCATED, MOST_ALLOCATED, REQUESTED_RATIO)
    if kind not in known:
        yield not_supported(path.child("type"), kind, known)
    for index, (name, weight) in enumerate(_weights(strategy.get("resources"))):
        if not 0 < weight <= 100:
            text = f"resource weight of {name} not in valid range (0, 100]"
            yield invalid(path.child("resources").index(index).child("weight"), weight, text)
    ratio, at = strategy.get("requestedToCapacityRatio"), path.child("requestedToCapacityRatio")
    if kind == REQUESTED_RATIO and ratio is None:
        yield required(at, f"must be specified when type is {REQUESTED_RATIO}")
    elif kind == REQUESTED_RATIO:
        yield from _validate_shape(_shape(strategy), at.child("shape"))
    elif ratio is not None:
        yield forbidden(at, f"must be nil when type is not {REQUESTED_RATIO}")


def _validate_shape(shape: Sequence[tuple[int, int]], path: Path) -> Errors:
    if not shape:
        yield required(path, "at least one point must be specified")
    for index in range(1, len(shape)):
        if shape[index - 1][0] >= shape[index][0]:
            at = path.index(index).child("utilization")
            yield invalid(at, shape[index][0], "values must be sorted in increasing order")
            break
    for index, (utilization, score) in enumerate(shape):
        for name, value, most in (("utilization", utilization, 100), ("score", score, 10)):
            if not 0 <= value <= most:
                yield invalid(path.index(index).child(name), value, f"not in valid range [0, {most}]")


def _fit(args: Object) -> Mapping[str, Any]:
    strategy = args.get("scoringStrategy") or {}
    scoring = ScoringStrategy(
        strategy.get("type", LEAST_ALLOCATED), _weights(strategy.get("resources")), _shape(strategy)
    )
    return {
        "ignored_resources": frozenset(args.get("ignoredResources") or ()),
        "ignored_groups": frozenset(args.get("ignoredResourceGroups") or ()),
        "scoring": scoring,
    }


def _shape(strategy: Object) -> tuple[tuple[int, int], ...]:
    points = (strategy.get("requestedToCapacityRatio") or {}).get("shape") or ()
    return tuple((each.get("utilization") or 0, each.get("score") or 0) for each in points)


# PodTopologySpread


def _validate_spread(args: Object, path: Path) -> Errors:
    kind, constraints = args.get("defaultingType") or "System", args.get("defaultConstraints") or ()
    if kind not in ("System", "List"):
        yield not_supported(path.child("defaultingType"), kind, ("System", "List"))
    elif kind == "System" and constraints:
        yield invalid(path.child("defaultingType"), kind, "when .defaultConstraints are not empty")
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        at = path.child("defaultConstraints").index(index)
        yield from _validate_constraint(constraint, at)
        pair = constraint.get("topologyKey") or "", constraint.get("whenUnsatisfiable") or ""
        if pair in seen:
            yield duplicate(at, f"{{{', '.join(pair)}}}")
        seen.add(pair)


def _validate_constraint(constraint: Object, path: Path) -> Errors:
    if (constraint.get("maxSkew") or 0) <= 0:
        yield invalid(path.child("maxSkew"), constraint.get("maxSkew") or 0, "not in valid range (0, inf)")
    if key := constraint.get("topologyKey"):
        yield from _label_name(key, path.child("topologyKey"))
    else:
        yield required(path.child("topologyKey"), "can not be empty")
    if not (action := constraint.get("whenUnsatisfiable")):
        yield required(path.child("whenUnsatisfiable"), "can not be empty")
    elif action not in _HARD:
        yield not_supported(path.child("whenUnsatisfiable"), action, _HARD)
    if constraint.get("labelSelector") is not None:
        text = "constraint must not define a selector, as they deduced for each pod"
        yield forbidden(path.child("labelSelector"), text)


def _spread(args: Object) -> Mapping[str, Any]:
    if args.get("defaultingType") != "List":
        return {}
    return {"default_constraints": tuple(map(parse_spread, args.get("defaultConstraints") or ()))}


# VolumeBinding


def _validate_volume_binding(args: Object, path: Path) -> Errors:
    seconds = args.get("bindTimeoutSeconds", 600)
    if seconds < 0:
        text = "invalid BindTimeoutSeconds, should not be a negative value"
        yield invalid(path.child("bindTimeoutSeconds"), seconds, text)
    if args.get("shape") is not None:
        text = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring"
        yield invalid(path.child("shape"), args["shape"], text)


def _volume_binding(args: Object) -> Mapping[str, Any]:
    return {"bind_seconds": float(args.get("bindTimeoutSeconds", 600))}


_PLUGINS: Mapping[str, tuple[Callable[[Object, Path], Errors], Callable[[Object], Mapping[str, Any]]]] = {
    "DefaultPreemption": (_validate_preemption, _preemption),
    "InterPodAffinity": (_validate_pod_affinity, _pod_affinity),
    "NodeAffinity": (_validate_node_affinity, _node_affinity),
    "NodeResourcesBalancedAllocation": (_validate_balanced, _balanced),
    "NodeResourcesFit": (_validate_fit, _fit),
    "PodTopologySpread": (_validate_spread, _spread),
    "VolumeBinding": (_validate_volume_binding, _volume_binding),
}


def _given(args: Object, **fields: str) -> Mapping[str, Any]:
    """The values of those of the fields that are there, under the names given."""
    return {name: args[given] for given, name in fields.items() if args.get(given) is not None}


def _weights(resources: Iterable[Object] | None) -> Weights:
    """Those of a list of ResourceSpecs; a weight that is not given is 1."""
    return (
        tuple((each.get("name") or "", each.get("weight") or 1) for each in resources or ()) or CPU_AND_MEMORY
    )


def _label_name(value: str, path: Path) -> Errors:
    return (invalid(path, value, message) for message in names.is_qualified_name(value))
