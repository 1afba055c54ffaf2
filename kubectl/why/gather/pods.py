"""The facts about one pod: only what its state makes worth asking."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from apimachinery import scheme
from apimachinery.objects import Object, controller_of, get_path, name_of, namespace_of
from apimachinery.resource_claims import claims_of_pod
from kubectl.evidence import daemons
from kubectl.evidence.asker import Asker
from kubectl.why.containers import Container, troubled
from kubectl.why.facts import ClaimFacts, Owner, PodFacts, Reference, Scheduling, ServiceFacts
from kubectl.why.gather.services import services_of_namespace
from kubectl.why.references import CONFIG_MAP, claims_of, references_of
from kubectl.why.rules.pods import is_healthy

LOG_LINES = "20"
_RESOURCES = {CONFIG_MAP: scheme.CONFIG_MAPS, "Secret": scheme.SECRETS}
_OWNERS = {"ReplicaSet": scheme.REPLICA_SETS, "Job": scheme.JOBS}
"""What may itself be made by something else."""


async def pod_facts(asker: Asker, pod: Object) -> PodFacts:
    pod = {"apiVersion": "v1", "kind": "Pod", **pod}
    node_name = pod["spec"].get("nodeName") or ""
    owner, events, node, node_lease = await asyncio.gather(
        owner_of(asker, pod),
        asker.events(pod),
        _node(asker, node_name),
        daemons.lease(asker, node_name, "kube-node-lease") if node_name else _nothing(),
    )
    facts = PodFacts(pod=pod, now=asker.now, owner=owner, events=events, node=node, node_lease=node_lease)
    if is_healthy(pod):
        return facts
    record, scheduling, logs, references, claims, services = await asyncio.gather(
        daemons.node_record(asker, pod, node),
        _scheduling(asker, pod),
        _logs(asker, pod),
        _references(asker, pod, events),
        asyncio.gather(*(claim_facts(asker, namespace_of(pod), each) for each in claims_of(pod))),
        _services(asker, pod),
    )
    return replace(
        facts, record=record, scheduling=scheduling, logs=logs, references=references, claims=claims,
        services=services, unknown=tuple(asker.unknown),
    )  # fmt: skip


async def owner_of(asker: Asker, pod: Object) -> Owner:
    """The end of the chain of controllers."""
    owner, reference = Owner("Pod", name_of(pod)), controller_of(pod)
    while reference is not None:
        owner = Owner(reference["kind"], reference["name"])
        resource = _OWNERS.get(owner.kind)
        above = await asker.get(resource, owner.name, namespace_of(pod)) if resource else None
        reference = controller_of(above) if above else None
    return owner


async def _node(asker: Asker, name: str) -> Object | None:
    return await asker.get(scheme.NODES, name) if name else None


async def _nothing() -> None:
    return None


async def _scheduling(asker: Asker, pod: Object) -> Scheduling | None:
    if pod["spec"].get("nodeName"):
        return None
    bound = "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed"
    nodes, pods, lease, claims = await asyncio.gather(
        asker.listed(scheme.NODES),
        asker.listed(scheme.PODS, field_selector=bound),
        daemons.lease(asker, "kube-scheduler"),
        _device_claims(asker, pod),
    )
    attempts = await daemons.attempts(asker, pod, lease, nodes or ())
    return Scheduling(nodes, pods, attempts, lease, claims)


async def _logs(asker: Asker, pod: Object) -> dict[str, str]:
    """The last lines of what ended or keeps others waiting."""
    wanted = [each for each in troubled(pod) if each.ended or (each.is_init and each.running)]
    texts = await asyncio.gather(*(_log(asker, pod, each) for each in wanted))
    return {each.name: text for each, text in zip(wanted, texts, strict=True) if text}


async def _log(asker: Asker, pod: Object, container: Container) -> str | None:
    """Of the run that ended, unless one is under way that already has a word to say."""
    path = scheme.PODS.path(namespace_of(pod), name_of(pod), "log")
    query = {"container": container.name, "tailLines": LOG_LINES}
    has_new_run = container.running and container.restarts
    previous = {"previous": "true"} if has_new_run else {}
    return await asker.text(path, f"log of {container.name}", **query, **previous)


async def _references(asker: Asker, pod: Object, events: list[Object]) -> list[Reference]:
    """Only if the pod seems to miss one."""
    missed = any(each.reason == "CreateContainerConfigError" for each in troubled(pod))
    if not missed and not any(each.get("reason") == "FailedMount" for each in events):
        return []
    return list(await asyncio.gather(*(_reference(asker, pod, *each) for each in references_of(pod))))


async def _reference(asker: Asker, pod: Object, kind: str, name: str) -> Reference:
    resource, namespace = _RESOURCES[kind], namespace_of(pod)
    found = await asker.get(resource, name, namespace)
    if found:
        keys = {*(found.get("data") or {}), *(found.get("binaryData") or {})}
        return Reference(kind, name, frozenset(keys), found["metadata"].get("resourceVersion", ""))
    others = await asker.listed(resource, field_selector=f"metadata.name={name}") or ()
    gone = await daemons.deletion(asker, resource.plural, namespace, name)
    return Reference(kind, name, None, "", tuple(sorted(map(namespace_of, others))), gone)


async def claim_facts(asker: Asker, namespace: str, name: str) -> ClaimFacts:
    claim = await asker.get(scheme.PERSISTENT_VOLUME_CLAIMS, name, namespace)
    if not claim or get_path(claim, "status.phase") == "Bound":
        return ClaimFacts(name, claim)
    classes, volumes, events = await asyncio.gather(
        asker.listed(scheme.STORAGE_CLASSES), asker.listed(scheme.PERSISTENT_VOLUMES), asker.events(claim)
    )
    return ClaimFacts(name, claim, classes, volumes or (), events)


async def _device_claims(asker: Asker, pod: Object) -> dict[str, Object | None]:
    keys = list(claims_of_pod(pod))
    found = await asyncio.gather(
        *(asker.get(scheme.RESOURCE_CLAIMS, key.name, key.namespace) for key in keys)
    )
    return {key.name: claim for key, claim in zip(keys, found, strict=True)}


async def _services(asker: Asker, pod: Object) -> Mapping[str, ServiceFacts] | None:
    """The namespace's, for a pod that may be waiting for one of them."""
    if not any(each.ended or (each.is_init and each.running) for each in troubled(pod)):
        return None
    return await services_of_namespace(asker, pod)
