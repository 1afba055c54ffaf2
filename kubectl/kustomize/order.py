"""The order in which what was built is printed and applied: what others stand on first.

Source: sigs.k8s.io/kustomize/api/internal/builtins/SortOrderTransformer.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.kustomize.resource import Id, Resource

FIRST = (
    "Namespace", "ResourceQuota", "StorageClass", "CustomResourceDefinition", "ServiceAccount",
    "PodSecurityPolicy", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret",
    "Endpoints", "Service", "LimitRange", "PriorityClass", "PersistentVolume", "PersistentVolumeClaim",
    "Deployment", "StatefulSet", "CronJob", "PodDisruptionBudget",
)  # fmt: skip
LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def ordered(resources: Sequence[Resource], options: Object | None) -> list[Resource]:
    """`options` are the kustomization's sortOptions. Raises CommandError."""
    order = (options or {}).get("order") or "legacy"
    if order == "fifo":
        return list(resources)
    if order != "legacy":
        raise CommandError(f"the order must be one of [legacy fifo], got {order}")
    legacy = (options or {}).get("legacySortOptions") or {}
    first, last = legacy.get("orderFirst") or FIRST, legacy.get("orderLast") or LAST
    ranks = {kind: at - len(first) for at, kind in enumerate(first)}
    ranks |= {kind: at + 1 for at, kind in enumerate(last)}
    return sorted(resources, key=lambda each: _sort_key(each.id, ranks))


def _sort_key(id: Id, ranks: dict[str, int]) -> tuple[int, str, str]:
    names = "_".join((id.group or "~G", id.version or "~V", id.kind or "~K"))
    return ranks.get(id.kind, 0), names, f"{id.namespace or '~X'}|{id.name or '~N'}"
