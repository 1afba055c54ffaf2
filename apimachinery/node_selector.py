"""Node selectors: which nodes a pod or a volume asks for. Parsed once, matched often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apimachinery.labels import (
    DOES_NOT_EXIST,
    EVERYTHING,
    EXISTS,
    GREATER,
    IN,
    LESS,
    NOT_IN,
    Requirement,
    Selector,
    selector_from_map,
)
from apimachinery.objects import Object, get_path

_OPERATORS = {
    "In": IN, "NotIn": NOT_IN, "Exists": EXISTS, "DoesNotExist": DOES_NOT_EXIST, "Gt": GREATER, "Lt": LESS,
}  # fmt: skip
_NAME_FIELD = "metadata.name"


@dataclass(frozen=True, slots=True)
class NodeSelectorTerm:
    """Requirements on labels and on the name, all of which must hold; without any, nothing matches."""

    labels: tuple[Requirement, ...]
    fields: tuple[Requirement, ...]

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        if not self.labels and not self.fields:
            return False
        return all(each.matches(labels) for each in self.labels) and all(
            each.matches({_NAME_FIELD: name}) for each in self.fields
        )

    @property
    def names(self) -> frozenset[str] | None:
        """The only nodes that can match, when the term names them."""
        named = [each for each in self.fields if each.key == _NAME_FIELD and each.operator == IN]
        if not named:
            return None
        return frozenset.intersection(*(frozenset(each.values) for each in named))


@dataclass(frozen=True, slots=True)
class RequiredNodes:
    """nodeSelector and one of the required terms. `terms` is None when no affinity is given."""

    selector: Selector = EVERYTHING
    terms: tuple[NodeSelectorTerm, ...] | None = None

    @property
    def is_everything(self) -> bool:
        return self.terms is None and self.selector.is_empty

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        if not self.selector.matches(labels):
            return False
        return self.terms is None or any(term.matches(name, labels) for term in self.terms)

    @property
    def names(self) -> frozenset[str] | None:
        """The only nodes worth looking at, when every term names its nodes (as a DaemonSet's pods do)."""
        if not self.terms:
            return None
        named = [term.names for term in self.terms]
        known = [each for each in named if each is not None]
        return frozenset().union(*known) if len(known) == len(named) else None


def parse_required_nodes(spec: Object) -> RequiredNodes:
    required = get_path(spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    terms = None if required is None else parse_terms(required)
    return RequiredNodes(selector_from_map(spec.get("nodeSelector")), terms)


def parse_terms(node_selector: Object) -> tuple[NodeSelectorTerm, ...]:
    """The terms of a core/v1 NodeSelector, one of which must hold."""
    return tuple(map(_term, node_selector.get("nodeSelectorTerms") or ()))


def parse_preferred_nodes(spec: Object) -> tuple[tuple[int, NodeSelectorTerm], ...]:
    """(weight, term) of each preference."""
    preferred = get_path(spec, "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", [])
    return tuple((each.get("weight", 0), _term(each.get("preference") or {})) for each in preferred)


def _term(term: Object) -> NodeSelectorTerm:
    return NodeSelectorTerm(
        tuple(map(_requirement, term.get("matchExpressions") or ())),
        tuple(map(_requirement, term.get("matchFields") or ())),
    )


def _requirement(expression: Object) -> Requirement:
    return Requirement(
        expression["key"], _OPERATORS[expression["operator"]], tuple(expression.get("values") or ())
    )
