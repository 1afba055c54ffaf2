"""How the Deployments that a module makes with `plane.deployment` are getting on."""

from __future__ import annotations

from apimachinery.objects import Object
from apimachinery.scheme import DEPLOYMENTS, PODS
from client.rest import Client
from tests.integration.plane import eventually


async def settled(client: Client, name: str, replicas: int) -> None:
    """Until all replicas are updated and ready and nothing else is left."""

    def is_so(seen: Object) -> bool:
        status = seen["status"]
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas")]
        current = status.get("observedGeneration") == seen["metadata"]["generation"]
        return current and counts == [replicas] * 3

    await eventually(lambda: client.get(DEPLOYMENTS, name, "default"), is_so)


async def of_app(client: Client, name: str) -> list[Object]:
    return list((await client.list(PODS, "default", label_selector=f"app={name}"))["items"])
