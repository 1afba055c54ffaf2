"""Keeps the rules of ClusterRoles that gather those of others, such as admin, edit and view.

Source: pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from apimachinery.objects import NamespacedName, Object, key_of
from apimachinery.rbac import aggregated_rules
from apimachinery.scheme import CLUSTER_ROLES
from client.controller import Watch
from client.rest import APPLY
from controller_manager.context import ControllerContext


class ClusterRoleAggregationController:
    name: ClassVar[str] = "clusterrole-aggregation-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._roles = context.informers.informer(CLUSTER_ROLES)

    def watches(self) -> list[Watch]:
        return [Watch(self._roles, self._aggregating)]

    def _aggregating(self, changed: Object) -> Iterable[NamespacedName]:
        """Whatever role changes, each of these may have gathered its rules, or will."""
        return [key_of(role) for role in self._roles.list() if role.get("aggregationRule")]

    async def reconcile(self, key: NamespacedName) -> float | None:
        role = self._roles.get(key)
        if role is None or not role.get("aggregationRule"):
            return None
        rules = aggregated_rules(role, self._roles.list())
        if rules != (role.get("rules") or []):
            applied = {
                "apiVersion": CLUSTER_ROLES.api_version,
                "kind": CLUSTER_ROLES.kind,
                "metadata": {"name": key.name},
                "rules": rules,
            }
            params = {"fieldManager": self.name, "force": "true"}
            await self._client.patch(CLUSTER_ROLES, key.name, applied, patch_type=APPLY, params=params)
        return None
