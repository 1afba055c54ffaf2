"""`expose`: a Service for what runs already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from apimachinery.objects import Object, get_path, labels_of
from kubectl import session
from kubectl.arguments import Flag, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError
from kubectl.generators import network
from kubectl.resources import Mapper, Target

if TYPE_CHECKING:
    from client.rest import Client


def expose(
    creation: Creation,
    words: Annotated[list[str] | None, Words("TYPE NAME | TYPE/NAME")] = None,
    name: Annotated[str, Flag("--name")] = "",
    port: Annotated[str, Flag("--port")] = "",
    target_port: Annotated[str, Flag("--target-port")] = "",
    protocol: Annotated[str, Flag("--protocol")] = "",
    kind: Annotated[str, Flag("--type")] = "",
    cluster_ip: Annotated[str, Flag("--cluster-ip")] = "",
    external_ip: Annotated[str, Flag("--external-ip")] = "",
    selector: Annotated[str, Flag("--selector")] = "",
    labels: Annotated[str, Flag("--labels", "-l")] = "",
    affinity: Annotated[str, Flag("--session-affinity")] = "",
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
    create(service, creation, Wording(done="exposed", manager="kubectl-expose"))


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
