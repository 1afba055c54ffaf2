"""The pod is to go, and does not."""

from __future__ import annotations

from apimachinery.objects import get_path, is_terminating
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import PodFacts, seconds_since
from kubectl.why.records import node_name

PATIENCE = 15.0
"""Seconds beyond the grace period that stopping may take."""


def ending(facts: PodFacts) -> Diagnosis | None:
    if not is_terminating(facts.pod):
        return None
    finalizers = get_path(facts.pod, "metadata.finalizers") or []
    over = seconds_since(get_path(facts.pod, "metadata.deletionTimestamp"), facts.now) or 0.0
    at = seen(
        "pod", facts.pod, "metadata.deletionTimestamp", get_path(facts.pod, "metadata.deletionTimestamp")
    )
    if over < PATIENCE and not finalizers:
        return Diagnosis(
            cause=Cause.ENDING,
            headline=f"the pod is being deleted, its containers have {max(-over, 0):.0f} s left",
            evidence=(at,),
            fix=Fix("wait"),
        )
    if finalizers:
        held = seen("pod", facts.pod, "metadata.finalizers", ", ".join(finalizers))
        return Diagnosis(
            cause=Cause.ENDING,
            headline=f"the pod is to be deleted, but held by finalizer {finalizers[0]}",
            evidence=(at, held),
            fix=Fix(
                "let whoever put it there take it away; by force, whatever that leaves behind",
                fixes.command(
                    "patch", facts.namespace, f"pod/{facts.name}", "--type=merge",
                    "-p", '{"metadata":{"finalizers":null}}',
                ),
            ),
        )  # fmt: skip
    node = node_name(facts)
    return Diagnosis(
        cause=Cause.ENDING,
        headline=f"the pod should have been gone {over:.0f} s ago, and node {node} has not said that it is",
        evidence=(at,),
        fix=Fix(f"look at node {node}", f"sampan why node/{node}"),
    )
