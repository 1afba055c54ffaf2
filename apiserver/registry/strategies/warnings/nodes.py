"""Warnings about labels of nodes that have other names today, wherever nodes are chosen by them.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/api/node/util.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from apimachinery import names
from apimachinery.objects import Object

_OLD_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": (
        'deprecated since v1.17; use "topology.kubernetes.io/region" instead'
    ),
    "failure-domain.beta.kubernetes.io/zone": (
        'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'
    ),
    "beta.kubernetes.io/instance-type": (
        'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'
    ),
    "app.kubernetes.io/created-by": "deprecated since v1.9",
    "scheduler.alpha.kubernetes.io/preferAvoidPods": (
        "deprecated since v1.22; use Taints and Tolerations instead"
    ),
    "node-role.kubernetes.io/master": 'use "node-role.kubernetes.io/control-plane" instead',
}


def old_label(key: str) -> str:
    """What is wrong with a label's name; empty if nothing is."""
    return _OLD_LABELS.get(key, "")


def old_labels(labels: Mapping[str, str] | None) -> Iterator[tuple[str, str]]:
    """The names that are old, each with what is wrong with it."""
    yield from ((key, _OLD_LABELS[key]) for key in sorted(labels or ()) if key in _OLD_LABELS)


def term_warnings(path: str, term: Object, *, checks_values: bool = False) -> Iterator[str]:
    """Of a NodeSelectorTerm, or a label selector's matchExpressions."""
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        at, key = f"{path}.matchExpressions[{index}]", expression.get("key") or ""
        if text := old_label(key):
            yield f"{at}.key: {key} is {text}"
        for place, value in enumerate(expression.get("values") or ()) if checks_values else ():
            for text in names.is_label_value(value):
                yield f"{at}.values[{place}]: {value} is invalid, {text}"


def selector_warnings(path: str, selector: Object | None) -> Iterator[str]:
    """Of a label selector for nodes."""
    if selector:
        yield from term_warnings(path, selector)
        for key, text in old_labels(selector.get("matchLabels")):
            yield f"{path}.matchLabels.{key}: {text}"
