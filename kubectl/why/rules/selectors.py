"""A Service whose selector finds no pod, and the pod whose labels it nearly finds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import SequenceMatcher

from apimachinery.objects import Object, get_path, labels_of, name_of, namespace_of
from kubectl.why import fixes
from kubectl.why.diagnosis import Cause, Diagnosis, Fix, seen
from kubectl.why.facts import ServiceFacts

ALIKE = 0.6


def selects_nothing(facts: ServiceFacts) -> Diagnosis | None:
    selector = get_path(facts.service, "spec.selector")
    if not selector or facts.backends:
        return None
    shown = _labels(selector)
    near = _near_miss(selector, facts.others)
    told = f"; pod {name_of(near)} is labelled {_labels(_similar(selector, near))}" if near else ""
    evidence = [seen("service", facts.service, "spec.selector", shown)]
    if near:
        evidence.append(seen("pod", near, "metadata.labels", _labels(labels_of(near))))
    return Diagnosis(
        cause=Cause.NETWORK,
        headline=f'Service "{name_of(facts.service)}" selects no pod ({shown}){told}',
        evidence=tuple(evidence),
        fix=_select(facts, _similar(selector, near)) if near else Fix("start pods with these labels"),
    )


def _select(facts: ServiceFacts, labels: Object) -> Fix:
    patch = json.dumps({"spec": {"selector": labels}}, separators=(",", ":"))
    name = f"service/{name_of(facts.service)}"
    return Fix(
        f"select {_labels(labels)}",
        fixes.command("patch", namespace_of(facts.service), name, "-p", patch),
    )


def _near_miss(selector: Object, pods: Iterable[Object]) -> Object | None:
    """The pod whose labels are the most like what is selected, if any are at all."""
    scored = [(_likeness(selector, pod), pod) for pod in pods]
    best = max(scored, key=lambda each: each[0], default=(0.0, None))
    return best[1] if best[0] >= ALIKE else None


def _likeness(selector: Object, pod: Object) -> float:
    labels = labels_of(pod)
    if not set(selector) & set(labels):
        return 0.0
    alike = [_alike(value, labels.get(key, "")) for key, value in selector.items()]
    return sum(alike) / len(alike)


def _alike(one: str, other: str) -> float:
    """An abbreviation is as good as the word: `db` and `database`."""
    if _abbreviates(one, other) or _abbreviates(other, one):
        return 1.0
    return SequenceMatcher(None, one, other).ratio()


def _abbreviates(short: str, long: str) -> bool:
    """Whether the letters of the one come in this order in the other, from its first on."""
    letters = iter(long)
    return bool(short) and short[0] == long[:1] and all(letter in letters for letter in short)


def _similar(selector: Object, pod: Object) -> Object:
    return {key: value for key, value in labels_of(pod).items() if key in selector}


def _labels(labels: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in labels.items())
