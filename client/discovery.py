"""What the server serves: every resource, from its aggregated discovery."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource
from client.rest import Client

ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


async def discover(client: Client) -> list[Resource]:
    """Every resource in every version, the server's preferred versions first."""
    found: list[Resource] = []
    for path in ("/api", "/apis"):
        answer = await client.document(path, headers={"accept": ACCEPT})
        for group in answer.get("items") or []:
            found += _resources_of(group)
    return found


def preferred(resources: Sequence[Resource]) -> list[Resource]:
    """One version of each: the first."""
    first: dict[str, Resource] = {}
    for resource in resources:
        first.setdefault(resource.group_resource, resource)
    return list(first.values())


def _resources_of(group: Object) -> Iterator[Resource]:
    for version in group.get("versions") or []:
        for entry in version.get("resources") or []:
            yield _resource(group["metadata"].get("name", ""), version["version"], entry)


def _resource(group: str, version: str, entry: dict[str, Any]) -> Resource:
    return Resource(
        group=group,
        version=version,
        plural=entry["resource"],
        kind=(entry.get("responseKind") or {}).get("kind", ""),
        namespaced=entry.get("scope") == "Namespaced",
        singular=entry.get("singularResource", ""),
        short_names=tuple(entry.get("shortNames") or ()),
        categories=tuple(entry.get("categories") or ()),
        verbs=tuple(entry.get("verbs") or ()),
        subresources=tuple(sub["subresource"] for sub in entry.get("subresources") or ()),
    )
