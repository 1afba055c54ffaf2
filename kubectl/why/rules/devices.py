"""A pod whose claims of devices are not there yet: the scheduler holds it back and says nothing."""

from __future__ import annotations

from apimachinery.conditions import condition_of
from apimachinery.objects import Object
from apimachinery.resource_claims import NOT_NEEDED, claim_name, references_of
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event


def devices(facts: PodFacts) -> Diagnosis | None:
    """Nobody looks at a pod that has neither a node nor a word of why it has none."""
    spec = facts.pod["spec"]
    references = [each for each in references_of(facts.pod) if claim_name(facts.pod, each) != NOT_NEEDED]
    if not references or spec.get("nodeName") or condition_of(facts.pod, "PodScheduled") is not None:
        return None
    event = last_event(facts, "FailedResourceClaimCreation")
    waits_for = ", ".join(_named(facts.pod, each) for each in references)
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


def _named(pod: Object, reference: Object) -> str:
    name = claim_name(pod, reference)
    return name or f"{reference['name']} from template {reference['resourceClaimTemplateName']}"
