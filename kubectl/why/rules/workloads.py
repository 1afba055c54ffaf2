"""Why a workload has not the pods that it should have: from its own state down to its pods."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.objects import get_path
from kubectl.why.diagnosis import Cause, Confidence, Diagnosis, Fix, ranked, seen
from kubectl.why.facts import WorkloadFacts
from kubectl.why.rules.creation import given_up, none_wanted, refused, stuck, unattended

RULES: tuple[Callable[[WorkloadFacts], Diagnosis | None], ...] = (
    none_wanted, refused, unattended, given_up, stuck,
)  # fmt: skip


def workload(facts: WorkloadFacts) -> list[Diagnosis]:
    """What is wrong with the workload, then what is wrong with its pods, each thing once."""
    found = [*ranked(rule(facts) for rule in RULES), *_distinct(ranked(facts.troubles))]
    return found or list(filter(None, [incomplete(facts)]))


def _distinct(troubles: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Pods of one template mostly share their trouble."""
    by_headline: dict[str, Diagnosis] = {}
    for each in troubles:
        by_headline.setdefault(each.headline, each)
    return list(by_headline.values())


def incomplete(facts: WorkloadFacts) -> Diagnosis | None:
    """Nothing is wrong, but not all is there."""
    wanted, ready = wanted_and_ready(facts)
    if ready >= wanted or facts.kind in ("Job", "CronJob"):
        return None
    return Diagnosis(
        cause=Cause.STARTING,
        headline=f"{ready} of {wanted} pods are ready, and nothing is wrong with the others so far",
        confidence=Confidence.LIKELY,
        evidence=(seen(facts.kind.lower(), facts.obj, "status", f"{ready} of {wanted} ready"),),
        fix=Fix("wait"),
    )


def wanted_and_ready(facts: WorkloadFacts) -> tuple[int, int]:
    """As far as the status tells, whatever the kind."""
    status, spec = facts.obj.get("status") or {}, facts.obj.get("spec") or {}
    wanted = next((spec[k] for k in ("replicas", "parallelism") if k in spec), None)
    if wanted is None:
        wanted = get_path(facts.obj, "status.desiredNumberScheduled") or 0
    ready = next((status[k] for k in ("readyReplicas", "numberReady", "ready") if k in status), 0)
    return int(wanted), int(ready)
