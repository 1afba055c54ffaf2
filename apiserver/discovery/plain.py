"""The discovery documents of old: APIVersions, APIGroupList, APIGroup and APIResourceList. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence

from apimachinery.objects import Object
from apimachinery.scheme import CREATE_ONLY, Resource, subresource_of


def api_versions(server_address: str) -> Object:
    """/api"""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": server_address}],
    }


def group_versions(resources: Iterable[Resource]) -> dict[str, list[str]]:
    """Versions by named group, in the order of the resources: the first is preferred."""
    groups: dict[str, list[str]] = {}
    for resource in resources:
        versions = groups.setdefault(resource.group, [])
        if resource.version not in versions:
            versions.append(resource.version)
    groups.pop("", None)
    return groups


def api_group(name: str, versions: Sequence[str]) -> Object:
    entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": entries, "preferredVersion": entries[0]}


def api_group_list(resources: Iterable[Resource]) -> Object:
    """/apis"""
    groups = group_versions(resources)
    return {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [api_group(name, versions) for name, versions in groups.items()],
    }


def api_resource_list(group_version: str, resources: Iterable[Resource]) -> Object:
    """/api/v1 and /apis/<group>/<version>"""
    entries = [entry for resource in resources for entry in _entries(resource)]
    result: Object = {"kind": "APIResourceList"}
    if "/" in group_version:
        result["apiVersion"] = "v1"
    return {
        **result,
        "groupVersion": group_version,
        "resources": sorted(entries, key=lambda each: each["name"]),
    }


def _entries(resource: Resource) -> Iterable[Object]:
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if "create" in resource.verbs and resource.verbs != CREATE_ONLY:
        entry["storageVersionHash"] = storage_version_hash(resource)
    yield entry
    for name in resource.subresources:
        yield _subresource_entry(resource, name)


def _subresource_entry(resource: Resource, name: str) -> Object:
    found = subresource_of(resource, name)
    assert found is not None
    entry: Object = {
        "name": f"{resource.plural}/{name}",
        "singularName": "",
        "namespaced": resource.namespaced,
    }
    if (found.group, found.version) != (resource.group, resource.version):
        entry |= {"group": found.group, "version": found.version}
    return {**entry, "kind": found.kind, "verbs": sorted(found.verbs)}


def storage_version_hash(resource: Resource) -> str:
    text = "/".join(resource.gvk)
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()
