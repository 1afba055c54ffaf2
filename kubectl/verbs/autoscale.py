"""`autoscale`: a HorizontalPodAutoscaler for a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.objects import Object
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError
from kubectl.generators import workloads
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client


def autoscale(
    creation: Creation,
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME")] = None,
    minimum: Annotated[int, Flag("--min")] = -1,
    maximum: Annotated[int, Flag("--max")] = -1,
    cpu: Annotated[str, Flag("--cpu-percent", "--cpu")] = "",
    name: Annotated[str, Flag("--name")] = "",
) -> None:
    """Auto-scale a deployment, replica set, stateful set, or replication controller."""
    if not words:
        raise CommandError("You must provide one or more resources by argument or filename.")
    target = session.run(lambda client, namespace: _reference(client, namespace, words))
    obj = workloads.autoscaler(target, name or target["name"], minimum, maximum, cpu)
    create(obj, creation, Wording(done="autoscaled", manager="kubectl-autoscale"))


async def _reference(client: Client, namespace: str, words: list[str]) -> Object:
    target = (await Mapper(client).targets(words))[0]
    resource = target.resource
    await client.get(resource, target.name, namespace)
    if "scale" not in resource.subresources:
        raise CommandError(f"cannot autoscale a {resource.kind}")
    return {"kind": resource.kind, "name": target.name, "apiVersion": resource.api_version}
