"""What a description needs beside the object itself, fetched before anything is written."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from apimachinery import labels, scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, name_of, namespace_of, uid_of
from apimachinery.scheme import Resource
from apimachinery.well_known import SERVICE_NAME

if TYPE_CHECKING:
    from client.rest import Client

Related = dict[str, list[Object]]
"""Other objects, by plural."""
Fetch = Callable[["Client", Object], Awaitable[Related]]


async def nothing(_: Client, __: Object) -> Related:
    return {}


def by_selector(resource: Resource) -> Fetch:
    """Objects of the same namespace that the object's own selector finds."""

    async def fetch(client: Client, obj: Object) -> Related:
        selector = get_path(obj, "spec.selector") or {}
        plain = not {"matchLabels", "matchExpressions"} & set(selector)
        parsed = (
            labels.selector_from_map(selector) if plain else labels.selector_from_label_selector(selector)
        )
        listed = await client.list(resource, namespace_of(obj), label_selector=str(parsed))
        return {resource.plural: listed["items"]}

    return fetch


def of_namespace(*resources: Resource, of_name: bool = False) -> Fetch:
    """All objects of these resources in the object's namespace (or in the namespace that the object is)."""

    async def fetch(client: Client, obj: Object) -> Related:
        namespace = name_of(obj) if of_name else namespace_of(obj)
        return {each.plural: (await client.list(each, namespace))["items"] for each in resources}

    return fetch


async def slices_of_service(client: Client, obj: Object) -> Related:
    selector = f"{SERVICE_NAME}={name_of(obj)}"
    listed = await client.list(scheme.ENDPOINT_SLICES, namespace_of(obj), label_selector=selector)
    return {"endpointslices": listed["items"]}


async def pods_and_lease_of_node(client: Client, obj: Object) -> Related:
    selector = f"spec.nodeName={name_of(obj)},status.phase!=Succeeded,status.phase!=Failed"
    pods = await client.list(scheme.PODS, field_selector=selector)
    try:
        leases = [await client.get(scheme.LEASES, name_of(obj), "kube-node-lease")]
    except StatusError:
        leases = []
    return {"pods": pods["items"], "leases": leases}


async def events_of(client: Client, obj: Object) -> list[Object]:
    wanted = {"name": name_of(obj), "namespace": namespace_of(obj), "kind": obj["kind"], "uid": uid_of(obj)}
    if obj["kind"] == "Node":
        # A node's events name it as their uid, or carry the real one; upstream looks for both.
        del wanted["uid"]
    selector = ",".join(f"involvedObject.{name}={value}" for name, value in wanted.items() if value)
    listed = await client.list(scheme.EVENTS, namespace_of(obj) or None, field_selector=selector)
    return list(listed["items"])
