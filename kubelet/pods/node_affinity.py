"""Whether a node has what a pod's required node affinity asks for. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.objects import Object, get_path, labels_of, name_of


def matches_node_affinity(spec: Object, node: Object) -> bool:
    """One of the terms must hold; no required affinity is no demand."""
    required = get_path(spec, "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(_term_holds(term, node) for term in required.get("nodeSelectorTerms") or ())


def _term_holds(term: Object, node: Object) -> bool:
    expressions, fields = term.get("matchExpressions") or [], term.get("matchFields") or []
    if not expressions and not fields:
        return False  # an empty term matches nothing
    own_fields = {"metadata.name": name_of(node)}
    return all(_holds(each, labels_of(node)) for each in expressions) and all(
        _holds(each, own_fields) for each in fields
    )


def _holds(requirement: Object, values: Mapping[str, str]) -> bool:
    key, operator = requirement["key"], requirement["operator"]
    wanted = requirement.get("values") or []
    if operator == "Exists":
        return key in values
    if operator == "DoesNotExist":
        return key not in values
    if operator == "NotIn":
        return values.get(key) not in wanted
    if key not in values:
        return False
    if operator == "In":
        return values[key] in wanted
    return _compares(values[key], operator, wanted)


def _compares(value: str, operator: str, wanted: list[str]) -> bool:
    try:
        have, limit = int(value), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return have > limit if operator == "Gt" else have < limit
