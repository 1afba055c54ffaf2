"""Roles and bindings out of flags."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from kubectl.failures import CommandError
from kubectl.generators.objects import named

RBAC = "rbac.authorization.k8s.io"
_API = f"{RBAC}/v1"


def role(
    name: str,
    verbs: Sequence[str],
    resources: Sequence[tuple[Resource, str]],
    resource_names: Sequence[str] = (),
    urls: Sequence[str] = (),
    *,
    cluster: bool = False,
) -> Object:
    """One rule for each API group; `resources` are (resource, subresource)."""
    if not verbs:
        raise CommandError("at least one verb must be specified")
    if not resources and not urls:
        raise CommandError("at least one resource must be specified")
    chosen = ["*"] if "*" in verbs else list(dict.fromkeys(verbs))
    groups: dict[str, list[str]] = {}
    for resource, subresource in resources:
        full = f"{resource.plural}/{subresource}" if subresource else resource.plural
        groups.setdefault(resource.group, []).append(full)
    rules: list[Object] = []
    for group, plurals in groups.items():
        rule: Object = {"verbs": chosen, "apiGroups": [group], "resources": plurals}
        if resource_names:
            rule["resourceNames"] = list(resource_names)
        rules.append(rule)
    if urls:
        rules.append({"verbs": chosen, "nonResourceURLs": list(urls)})
    return {**named("ClusterRole" if cluster else "Role", _API, name), "rules": rules}


def aggregated_role(name: str, labels: dict[str, str]) -> Object:
    """A ClusterRole that gathers the rules of those with the labels."""
    rule = {"clusterRoleSelectors": [{"matchLabels": labels}]}
    return {**named("ClusterRole", _API, name), "rules": None, "aggregationRule": rule}


def binding(
    name: str,
    role_kind: str,
    role_name: str,
    *,
    users: Sequence[str],
    groups: Sequence[str],
    accounts: Sequence[str],
    cluster: bool = False,
) -> Object:
    obj = named("ClusterRoleBinding" if cluster else "RoleBinding", _API, name)
    reference = {"apiGroup": RBAC, "kind": role_kind, "name": role_name}
    listed = subjects(users, groups, accounts)
    return {**obj, "subjects": listed, "roleRef": reference} if listed else {**obj, "roleRef": reference}


def subjects(users: Sequence[str], groups: Sequence[str], accounts: Sequence[str]) -> list[Object]:
    """Service accounts are `namespace:name`. Raises CommandError."""
    found: list[Object] = [{"kind": "User", "apiGroup": RBAC, "name": each} for each in users]
    found += [{"kind": "Group", "apiGroup": RBAC, "name": each} for each in groups]
    for account in accounts:
        namespace, colon, own = account.partition(":")
        if not colon or not own or not namespace:
            raise CommandError("serviceaccount must be <namespace>:<name>")
        found.append({"kind": "ServiceAccount", "name": own, "namespace": namespace})
    return found
