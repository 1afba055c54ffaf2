"""A Service that can't be reached: every rule about the way to its pods, in the order of the way."""

from __future__ import annotations

from collections.abc import Callable

from apimachinery.objects import get_path, name_of, namespace_of
from apimachinery.pods import is_ready
from apimachinery.well_known import SERVICE_NAME
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Fix, seen
from kubectl.why.facts import ServiceFacts
from kubectl.why.rules.programming import is_not_programmed
from kubectl.why.rules.selectors import selects_nothing
from kubectl.why.rules.service_ports import leads_to_nobody, names_no_port

SHOWN = 3


def service(facts: ServiceFacts) -> list[Diagnosis]:
    """The first thing that is wrong on the way in, or nothing."""
    if get_path(facts.service, "spec.type") == "ExternalName":
        return []
    for rule in RULES:
        if found := rule(facts):
            return [found]
    return []


def has_no_slices(facts: ServiceFacts) -> Diagnosis | None:
    """Without a selector somebody has to say where it leads."""
    if get_path(facts.service, "spec.selector") or any(each.get("endpoints") for each in facts.slices):
        return None
    name = name_of(facts.service)
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name}" has neither a selector nor an EndpointSlice: it leads nowhere',
        evidence=(seen("service", facts.service, "spec.selector", "not set"),),
        fix=Fix(f"give it a selector, or an EndpointSlice labelled {SERVICE_NAME}={name}"),
    )


def has_no_ready_pod(facts: ServiceFacts) -> Diagnosis | None:
    if not facts.backends or any(is_ready(each.pod) for each in facts.backends):
        return None
    first, count = name_of(facts.backends[0].pod), len(facts.backends)
    whose = f"pod {first} is not" if count == 1 else f"none of its {count} pods is, {first} for one"
    because = facts.because
    seen_pods = [
        seen("pod", each.pod, "status.conditions[Ready]", "not True") for each in facts.backends[:SHOWN]
    ]
    ask = Fix("see why the pod is not ready", f"sampan why pod/{first} -n {namespace_of(facts.service)}")
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name_of(facts.service)}" has no endpoint that is ready: {whose}'
        + (f": {because.headline}" if because else ""),
        evidence=(*seen_pods, *(because.evidence if because else ())),
        fix=because.fix if because and because.fix else ask,
        confidence=because.confidence if because else Confidence.CERTAIN,
    )


def has_no_address(facts: ServiceFacts) -> Diagnosis | None:
    """A LoadBalancer that nobody gave an address."""
    if get_path(facts.service, "spec.type") != "LoadBalancer":
        return None
    if get_path(facts.service, "status.loadBalancer.ingress"):
        return None
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name_of(facts.service)}" of type LoadBalancer has got no address from outside',
        evidence=(seen("service", facts.service, "status.loadBalancer.ingress", "not set"),),
        fix=Fix("give the controller-manager a pool of addresses, or reach it by its node port"),
    )


RULES: tuple[Callable[[ServiceFacts], Diagnosis | None], ...] = (
    selects_nothing,
    has_no_slices,
    has_no_ready_pod,
    names_no_port,
    leads_to_nobody,
    is_not_programmed,
    has_no_address,
)
