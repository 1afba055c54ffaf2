"""`expose`: a Service for what runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from apimachinery.objects import Object, get_path, labels_of
from kubectl import session
from kubectl.creating import Creation, create
from kubectl.failures import CommandError
from kubectl.generators import network
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client

app = typer.Typer()


@app.command("expose")
def expose(
    words: Annotated[list[str] | None, typer.Argument(metavar="TYPE NAME | TYPE/NAME")] = None,
    name: Annotated[str, typer.Option("--name")] = "",
    port: Annotated[str, typer.Option("--port")] = "",
    target_port: Annotated[str, typer.Option("--target-port")] = "",
    protocol: Annotated[str, typer.Option("--protocol")] = "",
    kind: Annotated[str, typer.Option("--type")] = "",
    cluster_ip: Annotated[str, typer.Option("--cluster-ip")] = "",
    external_ip: Annotated[str, typer.Option("--external-ip")] = "",
    selector: Annotated[str, typer.Option("--selector")] = "",
    labels: Annotated[str, typer.Option("--labels", "-l")] = "",
    affinity: Annotated[str, typer.Option("--session-affinity")] = "",
    dry: Annotated[str, typer.Option("--dry-run")] = "none",
    output: Annotated[str, typer.Option("--output", "-o")] = "",
) -> None:
    """Expose a resource as a new Kubernetes service."""
    if not words:
        raise CommandError("You must provide one or more resources by argument or filename.")
    target, obj = session.run(lambda client, namespace: _fetch(client, namespace, words))
    service = network.exposing(
        name or target.name,
        _pairs(selector) if selector else selector_of(obj),
        _ports(port, protocol, obj),
        labels=_pairs(labels) if labels else labels_of(obj),
        target_port=target_port,
        kind=kind,
        cluster_ip=cluster_ip,
        external_ip=external_ip,
        affinity=affinity,
    )
    create(service, Creation(dry, output, field_manager="kubectl-expose", done="exposed"))


async def _fetch(client: Client, namespace: str, words: list[str]) -> tuple[Target, Object]:
    target = (await Mapper(client).targets(words))[0]
    found = await client.get(target.resource, target.name, namespace)
    return target, {"apiVersion": target.resource.api_version, "kind": target.resource.kind, **found}


def _pairs(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split(","))


def selector_of(obj: Object) -> dict[str, str]:
    """The labels by which the pods are found. Raises CommandError for kinds that have none."""
    if obj["kind"] == "Pod":
        if not labels_of(obj):
            raise CommandError("the pod has no labels and cannot be exposed")
        return labels_of(obj)
    selector = get_path(obj, "spec.selector") or {}
    if obj["kind"] in ("Deployment", "ReplicaSet"):
        if selector.get("matchExpressions"):
            raise CommandError('couldn\'t convert expressions - "[]" to map-based selector format')
        return dict(selector.get("matchLabels") or {})
    if obj["kind"] in ("Service", "ReplicationController"):
        return dict(selector)
    raise CommandError(f"cannot expose a {obj['kind']}")


def _ports(port: str, protocol: str, obj: Object) -> list[tuple[int, str]]:
    if port:
        return [(int(each), protocol or "TCP") for each in port.split(",")]
    spec = get_path(obj, "spec.template.spec") or obj.get("spec") or {}
    containers = spec.get("containers") or ()
    found = [
        (each["containerPort"], protocol or each.get("protocol", "TCP"))
        for container in containers
        for each in container.get("ports") or ()
    ] or [(each["port"], each.get("protocol", "TCP")) for each in spec.get("ports") or ()]
    if not found:
        raise CommandError(
            "couldn't find port via --port flag or introspection\n"
            "See 'sampan expose -h' for help and examples"
        )
    return found
