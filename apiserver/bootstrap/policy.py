"""How bootstrap roles are written down: rules and roles out of words separated by spaces."""

from __future__ import annotations

from dataclasses import dataclass

from apimachinery.objects import Object
from apimachinery.scheme import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, RBAC, ROLE_BINDINGS, ROLES, Resource
from apimachinery.well_known import RBAC_AUTOUPDATE

READ = "get list watch"
EDIT = "create delete deletecollection patch update"
ALL = "create delete deletecollection get list patch update watch"

_LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
_ANNOTATIONS = {RBAC_AUTOUPDATE: "true"}
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"
_API = f"{RBAC}/v1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An object that must exist."""

    resource: Resource
    obj: Object


def rule(verbs: str, resources: str, groups: str = "core", names: str = "") -> Object:
    """A resource rule, sorted as upstream's are; the group `core` is the one without a name."""
    result: Object = {
        "apiGroups": sorted("" if group == "core" else group for group in groups.split()),
        "resources": sorted(resources.split()),
        "verbs": sorted(verbs.split()),
    }
    return {**result, "resourceNames": sorted(names.split())} if names else result


def paths(verbs: str, urls: str) -> Object:
    return {"nonResourceURLs": urls.split(), "verbs": verbs.split()}


def events() -> Object:
    """What everybody needs who records events."""
    return rule("create patch update", "events", "core events.k8s.io")


def cluster_role(name: str, *rules: Object, aggregate_to: str = "", aggregates: str = "") -> Wanted:
    """`aggregates`: its rules are those of every role that aggregates to it."""
    labels = {**_LABELS, **({_AGGREGATE + aggregate_to: "true"} if aggregate_to else {})}
    obj = _object("ClusterRole", name, labels)
    if aggregates:
        obj["aggregationRule"] = {
            "clusterRoleSelectors": [{"matchLabels": {_AGGREGATE + aggregates: "true"}}]
        }
    obj["rules"] = list(rules)
    return Wanted(CLUSTER_ROLES, obj)


def role(namespace: str, name: str, *rules: Object) -> Wanted:
    obj = _object("Role", name, _LABELS, namespace)
    obj["rules"] = list(rules)
    return Wanted(ROLES, obj)


def bind(name: str, *subjects: Object, to: str = "") -> Wanted:
    """A ClusterRoleBinding, named after its role unless `to` names another."""
    obj = _object("ClusterRoleBinding", name, _LABELS)
    obj |= {"subjects": list(subjects)} if subjects else {}
    obj["roleRef"] = {"apiGroup": RBAC, "kind": "ClusterRole", "name": to or name}
    return Wanted(CLUSTER_ROLE_BINDINGS, obj)


def bind_in(namespace: str, name: str, *subjects: Object, to: str = "") -> Wanted:
    """A RoleBinding to a Role of the same namespace."""
    obj = _object("RoleBinding", name, _LABELS, namespace)
    obj |= {"subjects": list(subjects)} if subjects else {}
    obj["roleRef"] = {"apiGroup": RBAC, "kind": "Role", "name": to or name}
    return Wanted(ROLE_BINDINGS, obj)


def user(name: str) -> Object:
    return {"kind": "User", "apiGroup": RBAC, "name": name}


def group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": RBAC, "name": name}


def account(name: str, namespace: str = "kube-system") -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _object(kind: str, name: str, labels: dict[str, str], namespace: str = "") -> Object:
    metadata: Object = {"name": name, "labels": dict(labels), "annotations": dict(_ANNOTATIONS)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": _API, "kind": kind, "metadata": metadata}
