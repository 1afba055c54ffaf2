"""matchLabelKeys: the pod's own values of some labels become part of its selectors when it is created."""

from __future__ import annotations

from apimachinery.objects import Object, labels_of

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def merge_label_keys(pod: Object) -> None:
    labels = labels_of(pod)
    for constraint in pod["spec"].get("topologySpreadConstraints") or ():
        _merge(constraint, "matchLabelKeys", "In", labels)
    affinity = pod["spec"].get("affinity") or {}
    for field in ("podAffinity", "podAntiAffinity"):
        one = affinity.get(field) or {}
        terms = list(one.get(_REQUIRED) or ())
        terms += [each.get("podAffinityTerm") or {} for each in one.get(_PREFERRED) or ()]
        for term in terms:
            _merge(term, "matchLabelKeys", "In", labels)
            _merge(term, "mismatchLabelKeys", "NotIn", labels)


def _merge(term: Object, field: str, operator: str, labels: dict[str, str]) -> None:
    """Without a selector there is nothing to narrow; validation refuses that."""
    selector = term.get("labelSelector")
    if selector is None:
        return
    for key in term.get(field) or ():
        if key in labels:
            expression = {"key": key, "operator": operator, "values": [labels[key]]}
            selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), expression]
