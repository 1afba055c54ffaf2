"""`autoscale`: a HorizontalPodAutoscaler for a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from apimachinery.objects import Object
from kubectl import session
from kubectl.creating import Creation, create
from kubectl.failures import CommandError
from kubectl.generators import workloads
from kubectl.resources import Mapper

if TYPE_CHECKING:
    from client.rest import Client

app = typer.Typer()


@app.command("autoscale")
def autoscale(
    words: Annotated[list[str] | None, typer.Argument(metavar="TYPE NAME | TYPE/NAME")] = None,
    minimum: Annotated[int, typer.Option("--min")] = -1,
    maximum: Annotated[int, typer.Option("--max")] = -1,
    cpu: Annotated[str, typer.Option("--cpu-percent", "--cpu")] = "",
    name: Annotated[str, typer.Option("--name")] = "",
    dry: Annotated[str, typer.Option("--dry-run")] = "none",
    output: Annotated[str, typer.Option("--output", "-o")] = "",
) -> None:
    """Auto-scale a deployment, replica set, stateful set, or replication controller."""
    if not words:
        raise CommandError("You must provide one or more resources by argument or filename.")
    target = session.run(lambda client, namespace: _reference(client, namespace, words))
    obj = workloads.autoscaler(target, name or target["name"], minimum, maximum, cpu)
    create(obj, Creation(dry, output, field_manager="kubectl-autoscale", done="autoscaled"))


async def _reference(client: Client, namespace: str, words: list[str]) -> Object:
    target = (await Mapper(client).targets(words))[0]
    resource = target.resource
    await client.get(resource, target.name, namespace)
    if "scale" not in resource.subresources:
        raise CommandError(f"cannot autoscale a {resource.kind}")
    return {"kind": resource.kind, "name": target.name, "apiVersion": resource.api_version}
