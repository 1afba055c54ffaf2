"""A pod whose claims of devices are not there yet: the scheduler holds it back and says nothing."""

from __future__ import annotations

from apimachinery.conditions import condition_of
from apimachinery.objects import Object, is_terminating
from apimachinery.resource_claims import NOT_NEEDED, claim_name, references_of
from kubectl.evidence.asker import ABSENT
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event


def devices(facts: PodFacts) -> Diagnosis | None:
    """Nobody looks at a pod that has neither a node nor a word of why it has none."""
    spec = facts.pod["spec"]
    missing = [each for each in references_of(facts.pod) if _is_missing(facts, each)]
    if not missing or spec.get("nodeName") or condition_of(facts.pod, "PodScheduled") is not None:
        return None
    event = last_event(facts, "FailedResourceClaimCreation")
    waits_for = ", ".join(_named(facts.pod, each) for each in missing)
    return Diagnosis(
        cause=Cause.SCHEDULING,
        headline=f"the pod is held back until its claims of devices are there: {waits_for}",
        evidence=(
            seen("pod", facts.pod, "spec.resourceClaims", waits_for),
            *((event_evidence(facts, event),) if event else ()),
        ),
        fix=Fix(
            "make the claim, or the template that it is made from",
            fixes.command("get", facts.namespace, "resourceclaims,resourceclaimtemplates"),
        ),
    )


def _is_missing(facts: PodFacts, reference: Object) -> bool:
    """A claim that is being deleted is as good as gone; of one that cannot be read nothing is said."""
    name = claim_name(facts.pod, reference)
    if not name:
        return name != NOT_NEEDED
    claim = facts.scheduling.device_claims.get(name) if facts.scheduling is not None else None
    return claim is not None and (claim == ABSENT or is_terminating(claim))


def _named(pod: Object, reference: Object) -> str:
    name = claim_name(pod, reference)
    return name or f"{reference['name']} from template {reference['resourceClaimTemplateName']}"
