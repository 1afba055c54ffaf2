"""Reading a CustomResourceDefinition: its versions, its conditions, and the resources it makes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from apimachinery.conditions import is_condition_true
from apimachinery.objects import Object, get_path
from apimachinery.scheme import Resource

ESTABLISHED, NAMES_ACCEPTED, TERMINATING = "Established", "NamesAccepted", "Terminating"
NON_STRUCTURAL, API_APPROVED = "NonStructuralSchema", "KubernetesAPIApprovalPolicyConformant"
CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"

_TERMINATING_VERBS = ("delete", "deletecollection", "get", "list", "watch")
_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_MATURITY = {"alpha": 0, "beta": 1, None: 2}


def versions(definition: Object) -> list[Object]:
    found: list[Object] = definition["spec"].get("versions") or []
    return found


def storage_version(definition: Object) -> Object:
    """Validation sees to it that there is exactly one."""
    return next(each for each in versions(definition) if each.get("storage"))


def schema_of(version: Object) -> Object:
    """The schema of one of spec.versions; empty if there is none."""
    schema: Object = get_path(version, "schema.openAPIV3Schema", {})
    return schema


def resource_of(definition: Object, version: Object) -> Resource:
    """The resource that one of spec.versions makes, by the names that were accepted."""
    spec, names = definition["spec"], get_path(definition, "status.acceptedNames") or {}
    subresources = version.get("subresources") or {}
    return Resource(
        group=spec["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        namespaced=spec["scope"] == "Namespaced",
        singular=names.get("singular") or "",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(name for name in ("status", "scale") if subresources.get(name) is not None),
        list_kind=names.get("listKind") or "",
    )


def listed(definition: Object, resource: Resource) -> Resource:
    """A resource as discovery tells of it."""
    return (
        replace(resource, verbs=_TERMINATING_VERBS)
        if is_condition_true(definition, TERMINATING)
        else resource
    )


def by_priority(names: Sequence[str]) -> list[str]:
    """Versions as discovery orders them: GA before beta before alpha, the newest first, then all others."""
    return sorted(names, key=priority)


def priority(name: str) -> tuple[int, int, int, int, str]:
    """A key: the best version has the smallest."""
    match = _VERSION.fullmatch(name)
    if match is None:
        return (1, 0, 0, 0, name)
    major, maturity, minor = match.groups()
    return (0, -_MATURITY[maturity], -int(major), -int(minor or 0), name)
