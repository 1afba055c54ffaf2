"""ClusterRoles that gather the rules of others by their labels."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from apimachinery.labels import selector_from_label_selector
from apimachinery.objects import Object, get_path, labels_of, name_of


def aggregated_rules(role: Object, roles: Iterable[Object]) -> list[Object]:
    """The rules of all roles that a role's selectors choose, by selector and name, each rule once.

    Source: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go of Kubernetes 1.34.
    """
    others = sorted((each for each in roles if name_of(each) != name_of(role)), key=name_of)
    rules: list[Object] = []
    for wanted in get_path(role, "aggregationRule.clusterRoleSelectors", ()):
        selector = selector_from_label_selector(wanted)
        chosen = (each.get("rules") or () for each in others if selector.matches(labels_of(each)))
        for rule in chain.from_iterable(chosen):
            if rule not in rules:
                rules.append(rule)
    return rules
