"""The RBAC authorizer: a look-up in what was decided before, else a walk over the user's rules.

What a user may do is remembered until any role or binding changes: a request costs two look-ups.
"""

from __future__ import annotations

from collections.abc import Iterator

from apimachinery.errors import aggregate
from apimachinery.policy_rules import Rule
from apiserver.auth.attributes import Attributes
from apiserver.auth.authorizer import Decision, UserRules
from apiserver.auth.rbac.bindings import Binding, Index, Snapshot
from apiserver.request import UserInfo

_MOST_USERS = 10_000
_MOST_ANSWERS = 10_000

Question = tuple[str, str, str, str, str]
"""verb, group, resource, subresource, namespace; for paths verb, path and nothing."""


class RBACAuthorizer:
    def __init__(self, index: Index) -> None:
        self._index = index
        self._snapshot: Snapshot | None = None
        self._profiles: dict[tuple[str, tuple[str, ...]], Profile] = {}

    async def authorize(self, attributes: Attributes) -> Decision:
        return self._profile(attributes.user).decide(attributes)

    def rules_of(self, user: UserInfo, namespace: str) -> UserRules:
        return UserRules(self.rules_for(user, namespace), self.missing_roles(user, namespace))

    def rules_for(self, user: UserInfo, namespace: str) -> list[Rule]:
        """Everything the user may do in a namespace, the whole cluster's included."""
        return [rule for _, rule in self._profile(user).rules(namespace)]

    def missing_roles(self, user: UserInfo, namespace: str) -> list[str]:
        """What could not be resolved on the way."""
        return self._profile(user).missing(namespace)

    def _profile(self, user: UserInfo) -> Profile:
        snapshot = self._index.snapshot()
        if snapshot is not self._snapshot or len(self._profiles) > _MOST_USERS:
            self._snapshot = snapshot
            self._profiles = {}
        key = (user.name, user.groups)
        profile = self._profiles.get(key)
        if profile is None:
            profile = self._profiles[key] = Profile(snapshot, list(snapshot.bindings_of(user)))
        return profile


class Profile:
    """One user's rules, and the answers found so far."""

    def __init__(self, snapshot: Snapshot, bindings: list[Binding]) -> None:
        self._snapshot = snapshot
        self._bindings = bindings
        self._answers: dict[Question, tuple[Decision, frozenset[str]]] = {}

    def decide(self, attributes: Attributes) -> Decision:
        if attributes.is_resource:
            question = (
                attributes.verb, attributes.group, attributes.resource, attributes.subresource,
                attributes.namespace,
            )  # fmt: skip
        else:
            question = (attributes.verb, attributes.path, "", "", "")
        found = self._answers.get(question)
        if found is None:
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.clear()
            found = self._answers[question] = self._answer(attributes)
        decision, names = found
        if names and attributes.name in names:
            return Decision(allowed=True, reason=decision.reason)
        return decision if not names else Decision(reason=self._why_not(attributes.namespace))

    def _answer(self, attributes: Attributes) -> tuple[Decision, frozenset[str]]:
        """Allowed for every name, or the names it is allowed for, or no opinion."""
        names: set[str] = set()
        by_name = ""
        for binding, rule in self.rules(attributes.namespace):
            if not _speaks_of(rule, attributes):
                continue
            reason = f"RBAC: allowed by {binding.description}"
            if not rule.names or not attributes.is_resource:
                return Decision(allowed=True, reason=reason), frozenset()
            names.update(rule.names)
            by_name = by_name or reason
        return Decision(reason=by_name or self._why_not(attributes.namespace)), frozenset(names)

    def rules(self, namespace: str) -> Iterator[tuple[Binding, Rule]]:
        for binding in self._bindings:
            if binding.namespace in ("", namespace):
                for rule in self._snapshot.rules_of(binding) or ():
                    yield binding, rule

    def missing(self, namespace: str) -> list[str]:
        """Roles that are bound but not there, in upstream's words."""
        return [
            f'{each.role_kind.lower()}.rbac.authorization.k8s.io "{each.role_name}" not found'
            for each in self._bindings
            if each.namespace in ("", namespace) and self._snapshot.rules_of(each) is None
        ]

    def _why_not(self, namespace: str) -> str:
        missing = self.missing(namespace)
        return f"RBAC: {aggregate(missing)}" if missing else ""


def _speaks_of(rule: Rule, attributes: Attributes) -> bool:
    if not attributes.is_resource:
        return rule.allows_path(attributes.verb, attributes.path)
    return rule.allows(attributes.verb, attributes.group, attributes.resource, attributes.subresource)
