"""Nobody may grant what they do not hold: checks on writes of roles and bindings.

Source: https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/registry/rbac/validation/rule.go
"""

from __future__ import annotations

import json

from apimachinery.errors import ForbiddenError, NotFoundError
from apimachinery.objects import Object
from apimachinery.policy_rules import Rule, compact, uncovered
from apimachinery.scheme import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, RBAC, ROLE_BINDINGS, ROLES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import EVERYTHING, MASTERS, Authorizer
from apiserver.auth.rbac.authorizer import RBACAuthorizer
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup

_ROLES = (ROLES, CLUSTER_ROLES)
_BINDINGS = (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)


class RBACEscalation:
    """Works as a validating plugin, though upstream has it in the registry of these kinds."""

    name = "RBACEscalation"

    def __init__(self, authorizer: Authorizer, rbac: RBACAuthorizer, lookup: Lookup) -> None:
        self._authorizer = authorizer
        self._rbac = rbac
        self._lookup = lookup

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        return operation in ("CREATE", "UPDATE") and resource in (*_ROLES, *_BINDINGS)

    async def admit(self, attributes: Attributes) -> None:
        """Changes nothing."""

    async def validate(self, attributes: Attributes) -> None:
        if attributes.object is None or MASTERS in attributes.user.groups:
            return
        if attributes.resource in _ROLES:
            await self._check_role(attributes, attributes.object)
        else:
            await self._check_binding(attributes, attributes.object)

    async def _check_role(self, attributes: Attributes, role: Object) -> None:
        old = attributes.old_object
        if old is not None and _grants(old) == _grants(role):
            return
        if await self._may(attributes, "escalate", attributes.resource, attributes.name):
            return
        self._check_rules(attributes, [Rule.parse(raw) for raw in role.get("rules") or ()])
        if attributes.resource == CLUSTER_ROLES and role.get("aggregationRule"):
            self._check_rules(attributes, [*EVERYTHING])

    async def _check_binding(self, attributes: Attributes, binding: Object) -> None:
        old = attributes.old_object
        if old is not None and old.get("subjects") == binding.get("subjects"):
            return
        reference = binding.get("roleRef") or {}
        name = reference.get("name", "")
        role = CLUSTER_ROLES if reference.get("kind") == "ClusterRole" else ROLES
        if await self._may(attributes, "bind", role, name):
            return
        found = self._lookup(role, attributes.namespace if role is ROLES else "", name)
        if found is None:
            raise NotFoundError(role, name)
        self._check_rules(attributes, [Rule.parse(raw) for raw in found.get("rules") or ()])

    async def _may(self, attributes: Attributes, verb: str, role: Resource, name: str) -> bool:
        question = Question(
            attributes.user, verb, attributes.namespace, RBAC, "v1", role.plural, "", name, is_resource=True
        )
        return (await self._authorizer.authorize(question)).allowed

    def _check_rules(self, attributes: Attributes, rules: list[Rule]) -> None:
        held = self._rbac.rules_for(attributes.user, attributes.namespace)
        missing = uncovered(held, rules)
        if missing:
            unresolved = self._rbac.missing_roles(attributes.user, attributes.namespace)
            text = escalation_text(attributes.user, missing, unresolved)
            raise ForbiddenError(attributes.resource, attributes.name, text)


def escalation_text(user: UserInfo, missing: list[Rule], unresolved: list[str]) -> str:
    groups = " ".join(json.dumps(group) for group in user.groups)
    shown = "\n".join(sorted({str(rule) for rule in compact(missing)}))
    who = f"user {json.dumps(user.name)} (groups=[{groups}])"
    text = f"{who} is attempting to grant RBAC permissions not currently held:\n{shown}"
    return f"{text}; resolution errors: [{', '.join(unresolved)}]" if unresolved else text


def _grants(role: Object) -> tuple[object, object]:
    return role.get("rules") or [], role.get("aggregationRule")
