"""The facts about what makes pods, walked downwards: its sets, their pods, and why these are not well."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from apimachinery import scheme
from apimachinery.objects import Object, controller_of, name_of, namespace_of, uid_of
from apimachinery.scheme import Resource
from kubectl.evidence import daemons
from kubectl.evidence.asker import Asker
from kubectl.why.diagnosis import Diagnosis
from kubectl.why.facts import WorkloadFacts
from kubectl.why.gather.pods import pod_facts
from kubectl.why.rules.pods import is_healthy
from kubectl.why.rules.pods import pod as why_pod

MAX_PODS = 5
"""Of those in trouble: pods of one template mostly share it."""
_BETWEEN = {"Deployment": scheme.REPLICA_SETS, "CronJob": scheme.JOBS}
"""What stands between a workload and its pods."""


async def workload_facts(asker: Asker, resource: Resource, obj: Object) -> WorkloadFacts:
    namespace = namespace_of(obj)
    between = _BETWEEN.get(resource.kind)
    pods, sets, lease = await asyncio.gather(
        asker.needed(scheme.PODS, namespace),
        asker.needed(between, namespace) if between else _none(),
        daemons.lease(asker, "kube-controller-manager"),
    )
    own_sets = sorted(filter(lambda each: _is_of(each, obj), sets), key=_age) if between else []
    if between:
        own_sets = [{"apiVersion": between.api_version, "kind": between.kind, **each} for each in own_sets]
    own = [each for each in pods if any(_is_of(each, parent) for parent in (obj, *own_sets))]
    obj = {"apiVersion": resource.api_version, "kind": resource.kind, **obj}
    events = await asyncio.gather(*(asker.events(each) for each in (obj, *own_sets[-1:])))
    return WorkloadFacts(
        kind=resource.kind,
        obj=obj,
        now=asker.now,
        sets=own_sets,
        pods=own,
        troubles=await _troubles(asker, own),
        events=[event for each in events for event in each],
        lease=lease,
        unknown=tuple(asker.unknown),
    )


async def _none() -> list[Object]:
    return []


async def _troubles(asker: Asker, pods: list[Object]) -> list[Diagnosis]:
    unwell = sorted((each for each in pods if not is_healthy(each)), key=_age, reverse=True)[:MAX_PODS]
    facts = await asyncio.gather(*(pod_facts(asker, each) for each in unwell))
    return [replace(why_pod(each)[0], subject=f"pod/{each.name}") for each in facts]


def _is_of(obj: Object, parent: Object) -> bool:
    reference = controller_of(obj)
    return reference is not None and reference.get("uid") == uid_of(parent)


def _age(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("creationTimestamp") or "", name_of(obj)
