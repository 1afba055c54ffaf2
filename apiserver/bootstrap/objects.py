"""Every object that must exist, in the order in which they depend on each other."""

from __future__ import annotations

from pathlib import Path

import orjson

from apimachinery.objects import Object
from apimachinery.rbac import aggregated_rules
from apimachinery.scheme import CONFIG_MAPS, NAMESPACES, PRIORITY_CLASSES
from apiserver.bootstrap.cluster_roles import cluster_role_bindings, cluster_roles, namespaced_roles
from apiserver.bootstrap.controller_roles import (
    controller_role_bindings,
    controller_roles,
    namespaced_controller_roles,
)
from apiserver.bootstrap.policy import Wanted
from apiserver.options import Options

SYSTEM_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")

_PRIORITIES = {
    "system-node-critical": (
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
    "system-cluster-critical": (
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node "
        "if necessary.",
    ),
}


def namespaces() -> list[Wanted]:
    return [
        Wanted(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        for name in SYSTEM_NAMESPACES
    ]


def rbac() -> list[Wanted]:
    """Roles before bindings."""
    roles = [*_aggregated([*cluster_roles(), *controller_roles()])]
    bindings = [*cluster_role_bindings(), *controller_role_bindings()]
    return [*roles, *bindings, *namespaced_roles(), *namespaced_controller_roles()]


def _aggregated(roles: list[Wanted]) -> list[Wanted]:
    """Fills roles that gather others, as the aggregation controller would some seconds later."""
    by_name = {each.obj["metadata"]["name"]: each.obj for each in roles}
    for name in ("view", "edit", "admin"):
        by_name[name]["rules"] = aggregated_rules(by_name[name], by_name.values())
    return roles


def priority_classes() -> list[Wanted]:
    return [Wanted(PRIORITY_CLASSES, _priority_class(name, *values)) for name, values in _PRIORITIES.items()]


def _priority_class(name: str, value: int, description: str) -> Object:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value,
        "description": description,
    }


def authentication_info(options: Options) -> list[Wanted]:
    """What an extension apiserver needs to know to trust our clients, and us in their place."""
    data = {}
    if options.client_ca_file:
        data["client-ca-file"] = Path(options.client_ca_file).read_text()
    if options.requestheader_client_ca_file:
        data["requestheader-client-ca-file"] = Path(options.requestheader_client_ca_file).read_text()
        lists = {
            "allowed-names": options.requestheader_allowed_names,
            "extra-headers-prefix": options.requestheader_extra_headers_prefix,
            "group-headers": options.requestheader_group_headers,
            "uid-headers": options.requestheader_uid_headers,
            "username-headers": options.requestheader_username_headers,
        }
        if not options.requestheader_uid_headers:
            del lists["uid-headers"]
        data |= {f"requestheader-{name}": orjson.dumps(values).decode() for name, values in lists.items()}
    if not data:
        return []
    return [
        Wanted(
            CONFIG_MAPS,
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "extension-apiserver-authentication", "namespace": "kube-system"},
                "data": data,
            },
        )
    ]
