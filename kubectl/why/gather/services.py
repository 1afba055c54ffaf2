"""The facts about Services: their slices, their pods, what listens in these, what the proxies programmed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from apimachinery import scheme
from apimachinery.labels import selector_from_map
from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of, uid_of
from apimachinery.pods import is_ready, is_terminal
from apimachinery.well_known import HOLLOW_NODE, SERVICE_NAME
from kubectl.evidence import daemons
from kubectl.evidence.asker import Asker, Objects
from kubectl.why.facts import Backend, ServiceFacts
from kubectl.why.rules.programming import is_not_programmed

MAX_BACKENDS, MAX_NODES = 5, 10
SETTLING = 1.0
"""A proxy that is behind is asked once more: it may be about to catch up."""


async def services_of_namespace(asker: Asker, pod: Object) -> Mapping[str, ServiceFacts] | None:
    """What can be told without asking kubelets and proxies; None if they can't be read."""
    namespace = namespace_of(pod)
    services, slices, pods = await asyncio.gather(
        asker.listed(scheme.SERVICES, namespace),
        asker.listed(scheme.ENDPOINT_SLICES, namespace),
        asker.listed(scheme.PODS, namespace),
    )
    if services is None or slices is None or pods is None:
        return None
    same = [pod if uid_of(each) == uid_of(pod) else each for each in pods]
    return {name_of(each): _facts(asker, each, slices, same) for each in services}


async def service_facts(asker: Asker, service: Object) -> ServiceFacts:
    namespace = namespace_of(service)
    slices, pods, nodes = await asyncio.gather(
        asker.needed(scheme.ENDPOINT_SLICES, namespace),
        asker.needed(scheme.PODS, namespace),
        asker.listed(scheme.NODES),
    )
    nodes = nodes or []
    facts = _facts(asker, service, slices, pods)
    backends = await _with_listeners(asker, facts.backends, nodes)
    facts = _with(facts, backends, await _programmed(asker, service, nodes))
    if is_not_programmed(facts):
        await asyncio.sleep(SETTLING)
        facts = _with(facts, backends, await _programmed(asker, service, nodes))
    return facts


def _facts(asker: Asker, service: Object, slices: Iterable[Object], pods: Iterable[Object]) -> ServiceFacts:
    selector = selector_from_map(get_path(service, "spec.selector"))
    alive = [each for each in pods if not is_terminal(each)]
    chosen = [each for each in alive if not selector.is_empty and selector.matches(labels_of(each))]
    return ServiceFacts(
        service=service,
        slices=[each for each in slices if labels_of(each).get(SERVICE_NAME) == name_of(service)],
        backends=[Backend(each) for each in chosen],
        others=[each for each in alive if each not in chosen],
        now=asker.now,
    )


def _with(
    facts: ServiceFacts, backends: list[Backend], programmed: Mapping[str, Objects | None]
) -> ServiceFacts:
    from dataclasses import replace

    return replace(facts, backends=backends, programmed=programmed)


async def _with_listeners(asker: Asker, backends: Iterable[Backend], nodes: Objects) -> list[Backend]:
    """What listens in the first few that are ready."""
    by_name = {name_of(each): each for each in nodes}
    backends = list(backends)
    ready = [each for each in backends if is_ready(each.pod)][:MAX_BACKENDS]
    records = await asyncio.gather(
        *(
            daemons.node_record(asker, each.pod, by_name.get(each.pod["spec"].get("nodeName", "")))
            for each in ready
        )
    )
    told = {
        uid_of(each.pod): record.listeners
        for each, record in zip(ready, records, strict=True)
        if record is not None
    }
    return [Backend(each.pod, told.get(uid_of(each.pod))) for each in backends]


async def _programmed(asker: Asker, service: Object, nodes: Objects) -> dict[str, Objects | None]:
    """By node. Of upstream's proxies nothing is known, so their silence means nothing."""
    if get_path(service, "spec.clusterIP") in ("None", None, "") or not await asker.is_ours():
        return {}
    asked = [each for each in nodes if not labels_of(each).get(HOLLOW_NODE)][:MAX_NODES]
    answers = await asyncio.gather(*(_programmed_on(asker, service, each) for each in asked))
    return dict(each for each in answers if each is not None)


async def _programmed_on(asker: Asker, service: Object, node: Object) -> tuple[str, Objects | None] | None:
    """None if nothing can be known, and no rules from a proxy that is not there."""
    try:
        rules = await daemons.programmed(asker, service, node)
    except daemons.Silent:
        return name_of(node), None
    return None if rules is None else (name_of(node), rules)
