"""Why a workload has not the pods that it should have: from its own state down to its pods."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from apimachinery.objects import get_path
from kubectl.why.diagnosis import Diagnosis, ranked
from kubectl.why.facts import WorkloadFacts
from kubectl.why.rules.creation import none_wanted, refused, stuck, unattended

RULES: tuple[Callable[[WorkloadFacts], Diagnosis | None], ...] = (none_wanted, refused, unattended, stuck)


def workload(facts: WorkloadFacts) -> list[Diagnosis]:
    """What is wrong with the workload, then what is wrong with its pods, each thing once."""
    own = ranked(rule(facts) for rule in RULES)
    return [*own, *_distinct(ranked(facts.troubles))]


def _distinct(troubles: Iterable[Diagnosis]) -> list[Diagnosis]:
    """Pods of one template mostly share their trouble."""
    by_headline: dict[str, Diagnosis] = {}
    for each in troubles:
        by_headline.setdefault(each.headline, each)
    return list(by_headline.values())


def wanted_and_ready(facts: WorkloadFacts) -> tuple[int, int]:
    """As far as the status tells, whatever the kind."""
    status, spec = facts.obj.get("status") or {}, facts.obj.get("spec") or {}
    wanted = next((spec[k] for k in ("replicas", "parallelism") if k in spec), None)
    if wanted is None:
        wanted = get_path(facts.obj, "status.desiredNumberScheduled") or 0
    ready = next((status[k] for k in ("readyReplicas", "numberReady", "ready") if k in status), 0)
    return int(wanted), int(ready)
