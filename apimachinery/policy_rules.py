"""A policy rule, parsed once: what it allows, and whether rules together cover another.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/apis/rbac/v1/evaluation_helpers.go
and https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/component-helpers/auth/rbac/validation/policy_comparator.go
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apimachinery.objects import Object


@dataclass(frozen=True, slots=True)
class Rule:
    """rbac/v1 PolicyRule."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def parse(cls, raw: Object) -> Rule:
        keys = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        return cls(*(tuple(raw.get(key) or ()) for key in keys))

    def to_object(self) -> Object:
        pairs = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
        }
        return {key: list(value) for key, value in pairs.items() if value}

    def has_verb(self, verb: str) -> bool:
        return verb in self.verbs or "*" in self.verbs

    def allows(self, verb: str, group: str, resource: str, subresource: str) -> bool:
        """Whether the rule speaks of this, not yet looking at names."""
        return (
            self.has_verb(verb)
            and (group in self.groups or "*" in self.groups)
            and self._has_resource(resource, subresource)
        )

    def _has_resource(self, resource: str, subresource: str) -> bool:
        if "*" in self.resources:
            return True
        if not subresource:
            return resource in self.resources
        return f"{resource}/{subresource}" in self.resources or f"*/{subresource}" in self.resources

    def allows_path(self, verb: str, path: str) -> bool:
        return self.has_verb(verb) and any(_path_matches(each, path) for each in self.urls)

    def __str__(self) -> str:
        """As upstream shows a rule in an escalation's refusal."""
        parts = (
            ("APIGroups", self.groups), ("Resources", self.resources), ("NonResourceURLs", self.urls),
            ("ResourceNames", self.names), ("Verbs", self.verbs),
        )  # fmt: skip
        shown = ", ".join(f"{name}:{_go_list(values)}" for name, values in parts if values)
        return f"{{{shown}}}"


def _go_list(values: Sequence[str]) -> str:
    return f"[{' '.join(json.dumps(value) for value in values)}]"


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def uncovered(owned: Sequence[Rule], wanted: Iterable[Rule]) -> list[Rule]:
    """The parts of `wanted` that nothing in `owned` covers, taken apart into single grants."""
    parts = [part for rule in wanted for part in _break_down(rule)]
    return [part for part in parts if not any(_covers(owner, part) for owner in owned)]


def _break_down(rule: Rule) -> Iterator[Rule]:
    """Rules of one group, one resource, one verb and at most one name; or of one path and one verb."""
    for group in rule.groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in rule.names or ("",):
                    yield Rule((verb,), (group,), (resource,), (name,) if name else ())
    for url in rule.urls:
        for verb in rule.verbs:
            yield Rule((verb,), urls=(url,))


def _covers(owner: Rule, part: Rule) -> bool:
    if not owner.has_verb(part.verbs[0]):
        return False
    if part.urls:
        return _has_url(owner, part.urls[0])
    if not (part.groups[0] in owner.groups or "*" in owner.groups):
        return False
    _, _, subresource = part.resources[0].partition("/")
    has_resource = (
        "*" in owner.resources
        or part.resources[0] in owner.resources
        or bool(subresource and f"*/{subresource}" in owner.resources)
    )
    return has_resource and (not owner.names or (bool(part.names) and part.names[0] in owner.names))


def _has_url(owner: Rule, url: str) -> bool:
    """A pattern with a star covers a longer one."""
    return any(
        each in ("*", url) or (each.endswith("*") and url.startswith(each.rstrip("*"))) for each in owner.urls
    )


def compact(parts: Sequence[Rule]) -> list[Rule]:
    """Single grants joined again where only the verb differs."""
    joined: dict[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], list[str]] = {}
    rest = []
    for part in parts:
        if part.urls:
            rest.append(part)
        else:
            joined.setdefault((part.groups, part.resources, part.names), []).extend(part.verbs)
    rules = [Rule(tuple(dict.fromkeys(verbs)), *key) for key, verbs in joined.items()]
    return [*rules, *rest]
