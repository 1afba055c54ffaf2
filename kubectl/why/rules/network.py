"""The pod gets no network: its sandbox can't be made."""

from __future__ import annotations

from kubectl.why.diagnosis import Cause, Diagnosis, Fix
from kubectl.why.facts import PodFacts
from kubectl.why.records import event_evidence, last_event, node_name, step_evidence

_REASON = "FailedCreatePodSandBox"


def sandbox(facts: PodFacts) -> Diagnosis | None:
    event = last_event(facts, _REASON)
    if event is None or (facts.pod.get("status") or {}).get("podIP"):
        return None
    message = (event.get("message") or "").strip()
    node = node_name(facts)
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f"node {node} cannot make the pod's sandbox: {_core(message)}",
        evidence=(event_evidence(facts, event), *step_evidence(facts, "sandbox")),
        fix=_fix(message, node),
    )


def _core(message: str) -> str:
    """What is left without the layers' own words."""
    return message.rpartition(": ")[2] or message


def _fix(message: str, node: str) -> Fix:
    if "no podCIDR" in message:
        return Fix(
            f"node {node} waits for addresses from the controller-manager (--allocate-node-cidrs)",
            "sampan why",
        )
    if "exhausted" in message or "no addresses" in message:
        return Fix(f"node {node} has no addresses left: delete pods there or give it a larger podCIDR")
    return Fix(f"look at node {node}", f"sampan why node/{node}")
