"""`expose`: a Service for what runs already."""

from __future__ import annotations

from typing import Annotated

from apimachinery.objects import Object, get_path, labels_of, name_of
from kubectl import recording, session
from kubectl.arguments import Flag, UsageError, Words
from kubectl.creating import Creation, Wording, create
from kubectl.failures import CommandError, raise_all
from kubectl.flags import Filenames, Overrides, OverrideType, Record, Recursive
from kubectl.generators import network
from kubectl.generators.workloads import pairs
from kubectl.patching import overridden
from kubectl.selection import Selection, collecting, fetch_some

_LONGEST_NAME = 63
"""Of a Service: a DNS label."""


def expose(
    creation: Creation,
    words: Annotated[list[str], Words("(-f FILENAME | TYPE NAME)")],
    filename: Filenames = None,
    recursive: Recursive = False,
    name: Annotated[str, Flag("--name", help="Of the Service; by default what is exposed.")] = "",
    port: Annotated[str, Flag("--port", help="Of the Service; several with commas.")] = "",
    target_port: Annotated[str, Flag("--target-port", help="Of the pods, a number or a name.")] = "",
    protocol: Annotated[str, Flag("--protocol", help="TCP, UDP or SCTP.")] = "",
    kind: Annotated[str, Flag("--type", help="ClusterIP, NodePort, LoadBalancer or ExternalName.")] = "",
    cluster_ip: Annotated[str, Flag("--cluster-ip", help="None makes it headless.")] = "",
    external_ip: Annotated[str, Flag("--external-ip", help="An address besides its own.")] = "",
    selector: Annotated[str, Flag("--selector", help="Of the pods, in place of those found.")] = "",
    labels: Annotated[str, Flag("--labels", "-l", help="Labels of the Service.")] = "",
    load_balancer_ip: Annotated[str, Flag("--load-balancer-ip", help="Of a LoadBalancer.")] = "",
    affinity: Annotated[str, Flag("--session-affinity", help="None or ClientIP.")] = "",
    record: Record = False,
    overrides: Overrides = "",
    override_type: OverrideType = "merge",
) -> None:
    """Expose a resource as a new Kubernetes service."""
    selection = Selection(words, filename or (), recursive=recursive)
    # What a file says counts, whether it is on the server or not.
    found, missing = session.run(
        lambda client, namespace: fetch_some(client, namespace, selection, local=bool(filename))
    )
    recording.warn(record)

    def expose_one(obj: Object) -> None:
        service = network.exposing(
            name or name_of(obj)[:_LONGEST_NAME],
            pairs(selector) if selector else _selector_of(obj),
            _ports(port, protocol, obj),
            labels=pairs(labels) if labels else labels_of(obj),
            target_port=target_port,
            kind=kind,
            cluster_ip=cluster_ip,
            external_ip=external_ip,
            load_balancer_ip=load_balancer_ip,
            affinity=affinity,
        )
        service = recording.recorded(overridden(service, overrides, override_type), record)
        create(service, creation, Wording(done="exposed", manager="kubectl-expose"))

    failures: list[Exception] = []
    for _, obj in found:
        with collecting(failures):
            expose_one(obj)
    raise_all([*failures, *missing])


def _selector_of(obj: Object) -> dict[str, str]:
    try:
        return selector_of(obj)
    except SelectorError as error:
        what = "couldn't retrieve selectors via --selector flag or introspection"
        raise CommandError(f"{what}: {error}") from None


class SelectorError(CommandError):
    """An object of a kind that has a selector, but none that a Service could have."""


def selector_of(obj: Object) -> dict[str, str]:
    """The labels by which the pods are found. Raises CommandError for kinds that have none."""
    if obj["kind"] == "Pod":
        if not labels_of(obj):
            raise SelectorError("the pod has no labels and cannot be exposed")
        return labels_of(obj)
    selector = get_path(obj, "spec.selector") or {}
    if obj["kind"] in ("Deployment", "ReplicaSet"):
        if selector.get("matchExpressions"):
            raise SelectorError('couldn\'t convert expressions - "[]" to map-based selector format')
        if not selector.get("matchLabels"):
            raise SelectorError(f"invalid {obj['kind'].lower()}: no selectors, therefore cannot be exposed")
        return dict(selector["matchLabels"])
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
        raise UsageError("couldn't find port via --port flag or introspection", "expose", "examples")
    return found
