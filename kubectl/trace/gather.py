"""What a trace is made of: the journal's lines, and what scheduler, kubelets and proxies tell about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

import orjson

from apimachinery import scheme
from apimachinery.objects import NamespacedName, labels_of, name_of
from apimachinery.well_known import HOLLOW_NODE, SERVICE_NAME
from kubectl.evidence import daemons
from kubectl.evidence.asker import Asker, Objects
from kubectl.failures import CommandError
from kubectl.trace.tree import PodRecord, Records, ServiceRecord
from kubectl.trace.writes import Write, parse_write

MAX_PODS, MAX_NODES = 20, 10
"""More than that nobody reads; of further pods there are the writes alone."""
_QUIET = ("events", "events.events.k8s.io", "leases.coordination.k8s.io")
SLICES = "endpointslices.discovery.k8s.io"


async def writes_since(asker: Asker, revision: int, **only: str) -> list[Write]:
    """Raises CommandError where there is no journal."""
    text = await asker.text("/debug/journal", "journal of writes", since=str(revision), **only)
    if text is None:
        raise CommandError(f"the journal of writes is not to be had: {'; '.join(asker.unknown)}")
    lines = (orjson.loads(line) for line in text.splitlines())
    return [parse_write(line) for line in lines if line["resource"] not in _QUIET]


async def records_of(asker: Asker, writes: Sequence[Write]) -> Records:
    """Of the pods that got a node, and of the Services whose slices were written."""
    keys = list(dict.fromkeys(w.key for w in writes if (w.resource, w.subresource) == ("pods", "binding")))
    nodes = await asker.listed(scheme.NODES) or []
    leader = await daemons.lease(asker, "kube-scheduler")
    pods = await asyncio.gather(*(_pod(asker, key, leader or {}, nodes) for key in keys[:MAX_PODS]))
    slices = [each.key for each in writes if each.resource == SLICES]
    services = await _services(asker, dict.fromkeys(slices), nodes)
    return Records(dict(zip(keys, pods, strict=False)), services)


async def _pod(asker: Asker, key: NamespacedName, leader: dict[str, object], nodes: Objects) -> PodRecord:
    pod = await asker.get(scheme.PODS, key.name, key.namespace)
    if not pod:
        return PodRecord()
    name = pod["spec"].get("nodeName") or ""
    node = next((each for each in nodes if name_of(each) == name), None)
    attempts, record = await asyncio.gather(
        daemons.attempts(asker, pod, leader, nodes), daemons.node_record(asker, pod, node)
    )
    return PodRecord(name, attempts or (), record.steps if record else (), record.probes if record else ())


async def _services(asker: Asker, slices: Iterable[NamespacedName], nodes: Objects) -> list[ServiceRecord]:
    """What each proxy programmed for the Services that these slices belong to."""
    found = await asyncio.gather(*(asker.get(scheme.ENDPOINT_SLICES, e.name, e.namespace) for e in slices))
    owners = {
        (each["metadata"]["namespace"], labels_of(each).get(SERVICE_NAME, "")) for each in found if each
    }
    asked = [each for each in nodes if not labels_of(each).get(HOLLOW_NODE)][:MAX_NODES]
    return [
        record
        for records in await asyncio.gather(
            *(_service(asker, NamespacedName(*owner), node) for owner in sorted(owners) for node in asked)
        )
        for record in records
    ]


async def _service(asker: Asker, key: NamespacedName, node: dict[str, object]) -> list[ServiceRecord]:
    service = {"metadata": {"namespace": key.namespace, "name": key.name}}
    try:
        programmed = await daemons.programmed(asker, service, node)
    except daemons.Silent:
        return []
    return [ServiceRecord(name_of(node), key.name, programmed)] if programmed else []
