"""Aggregated discovery: all groups in one document (apidiscovery.k8s.io v2 and v2beta1). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from apimachinery.objects import Object
from apimachinery.scheme import Resource, lookup, subresource_of
from apiserver.negotiation import MEDIA_TYPES, Media, Target, first_acceptable

_GROUP, _KIND = "apidiscovery.k8s.io", "APIGroupDiscoveryList"
_TARGETS = [Target(_GROUP, version, _KIND) for version in ("v2", "v2beta1")]


@lru_cache(maxsize=256)
def wanted(accept: str) -> tuple[Media, str] | None:
    """How, and in which version, a client that can read the aggregated form wants it."""
    found = first_acceptable(accept, lambda media, target: target in _TARGETS)
    media, target = found or ("json", None)
    return (media, target.version) if target else None


def content_type(media: Media, version: str) -> str:
    return f"{MEDIA_TYPES[media]};g={_GROUP};v={version};as={_KIND}"


def group_discovery_list(version: str, resources: Sequence[Resource]) -> Object:
    """Groups and versions in the order of the resources."""
    groups: dict[str, dict[str, list[Resource]]] = {}
    for resource in resources:
        groups.setdefault(resource.group, {}).setdefault(resource.version, []).append(resource)
    return {
        "kind": _KIND,
        "apiVersion": f"{_GROUP}/{version}",
        "metadata": {},
        "items": [_group(name, versions) for name, versions in groups.items()],
    }


def _group(name: str, versions: dict[str, list[Resource]]) -> Object:
    return {
        "metadata": {"name": name} if name else {},
        "versions": [
            {
                "version": version,
                "resources": [_resource(each) for each in sorted(resources, key=lambda each: each.plural)],
                "freshness": "Current",
            }
            for version, resources in versions.items()
        ],
    }


def _resource(resource: Resource) -> Object:
    entry: Object = {
        "resource": resource.plural,
        "responseKind": _kind(resource, resource.group, resource.version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": sorted(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    if resource.subresources:
        entry["subresources"] = list(_subresources(resource))
    return entry


def _subresources(resource: Resource) -> Iterable[Object]:
    for name in sorted(resource.subresources):
        found = subresource_of(resource, name)
        assert found is not None
        yield {
            "subresource": name,
            "responseKind": _kind(resource, found.group, found.version, found.kind),
            "verbs": sorted(found.verbs),
        }


def _kind(of: Resource, group: str, version: str, kind: str) -> Object:
    """Built-in resources do not say again where they are."""
    if (group, version) == (of.group, of.version) and lookup(group, version, of.plural) is not None:
        group = version = ""
    return {"group": group, "version": version, "kind": kind}
